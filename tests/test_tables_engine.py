"""Queries over a table: what they give, what it rests on, and what they may not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from r1router.errors import KnowledgeBaseError, QueryError
from r1router.table import TableBlock
from r1router.tables.engine import Tables, compute
from r1router.tables.store import TableFile, read_table_info

PLANTS = TableBlock(
    "Plants",
    header=("Plant", "Opened", "Power", "Country", "Opened"),
    rows=(
        ("Alta", "4 July 1987", "150 MW", "Norway", "x"),
        ("Tonstad", "1 May 1988", "960 MW", "Norway", ""),
        ("Aura", "3 May 1953", "n/a", "Norway", "a | b"),
        ('Kyiv\'s "old"; DROP TABLE t; --', "1 May 1961", "1,440 MW", "Ukraine", "2\n3"),
    ),
)


@pytest.fixture(scope="module", params=["in memory", "in a file"])
def plants(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    table: TableBlock | Path = PLANTS
    if request.param == "in a file":
        table = tmp_path_factory.mktemp("tables") / "it's.parquet"
        file = TableFile(table, source="s", record="r", block=PLANTS)
        file.add(PLANTS.rows[:3])
        file.add(PLANTS.rows[3:])
        file.finish()
    with Tables(table) as tables:
        yield tables


@pytest.mark.parametrize(
    ("sql", "rows", "source_rows"),
    [
        ('SELECT "Plant" FROM t ORDER BY "Opened" LIMIT 1', [("Aura",)], (3,)),
        ('SELECT "Opened" FROM t WHERE "Power" > 500', [("1 May 1988",), ("1 May 1961",)], (2, 4)),
        ("SELECT count(*) FROM t WHERE \"Country\" = 'Norway'", [("3",)], (1, 2, 3)),
        ('SELECT max("Power"), min("Opened") FROM t', [("1,440 MW", "3 May 1953")], (1, 2, 3, 4)),
        ('SELECT avg("Power") FROM t', [("850",)], (1, 2, 3, 4)),
        ('SELECT "Country", count(*) FROM t GROUP BY 1 HAVING count(*) > 1', [("Norway", "3")], (1, 2, 3)),
        ('SELECT DISTINCT "Country" FROM t WHERE "Opened" > \'1980-01-01\'', [("Norway",)], (1, 2)),
        (
            'SELECT "Plant" FROM t WHERE "row" = 1 + (SELECT "row" FROM t WHERE "Plant" = \'Alta\')',
            [("Tonstad",)],
            (2,),
        ),
        ('SELECT "Power" FROM t WHERE "Power" IS NULL', [("n/a",)], (3,)),
        ('SELECT "Power" FROM t WHERE "Power (text)" = \'n/a\'', [("n/a",)], (3,)),
        ('SELECT max("Power") - min("Power") FROM t', [("1290",)], (1, 2, 3, 4)),
        ('SELECT "Opened (2)" FROM t WHERE "Plant" LIKE \'Kyiv%\'', [("2\n3",)], (4,)),
        ("SELECT count(*) FROM t WHERE \"Country\" = 'Peru'", [("0",)], ()),
        ('SELECT p."Plant" FROM t p WHERE p."Power" = 150', [("Alta",)], (1,)),
        ("SELECT replace(\"Country\", 'way', '') FROM t WHERE \"row\" = 1", [("Nor",)], (1,)),
        ("SELECT regexp_replace(\"Country\", '[a-z]+', '') FROM t WHERE \"row\" = 1", [("N",)], (1,)),
    ],
)
def test_a_query_gives_cells_as_they_stand_and_the_rows_that_it_rests_on(plants, sql, rows, source_rows):
    result = plants.query(sql)
    assert list(result.rows) == rows
    assert result.source_rows == source_rows
    assert result.resting_on == len(source_rows)


@pytest.mark.parametrize(
    ("sql", "ran", "rows"),
    [
        ("\"Country\" = 'norway'", "\"Country\" = 'Norway'", "3"),
        ("\"Country\" IN ('NORWAY', 'Peru')", "\"Country\" IN ('Norway', 'Peru')", "3"),
        ("\"Power\" >= '960 MW'", '"Power" >= 960', "2"),
        ("\"Power\" = '1,440'", '"Power" = 1440', "1"),
        ("\"Opened\" < '4 July 1987'", "\"Opened\" < '1987-07-04'", "2"),
        ("\"Plant\" = 'nothing'", "\"Plant\" = 'nothing'", "0"),
    ],
)
def test_a_text_is_compared_as_its_column_has_it_and_the_result_says_so(plants, sql, ran, rows):
    result = plants.query(f"SELECT count(*) FROM t WHERE {sql}")
    assert (result.rows, result.sql.partition(" WHERE ")[2].replace(".0", "")) == (((rows,),), ran)


def test_a_text_that_cannot_be_a_cell_of_its_column_is_refused_with_the_reason(plants):
    for wrong in ("\"Power\" > 'much'", "\"Power\" > '5 km'", "\"Opened\" = 'July 1987'"):
        with pytest.raises(QueryError, match="Conversion Error"):
            plants.query(f"SELECT count(*) FROM t WHERE {wrong}")


def test_all_columns_are_those_of_the_header(plants):
    result = plants.query("SELECT * FROM t WHERE \"Country\" = 'Ukraine'")
    assert result.columns == ("Plant", "Opened", "Power", "Country", "Opened (2)")
    assert result.rows == (PLANTS.rows[3],)


def test_what_a_join_rests_on_is_not_told(plants):
    result = plants.query('SELECT a."Plant" FROM t a JOIN t b ON a."Country" = b."Country" AND a."row" < b."row"')
    assert len(result.rows) == 3
    assert result.source_rows == ()
    assert result.resting_on is None


def test_a_long_result_is_cut_and_says_so(plants):
    result = plants.query('SELECT "Plant" FROM t', rows=2)
    assert len(result.rows) == 2
    assert result.more
    assert not plants.query('SELECT "Plant" FROM t', rows=4).more


def test_several_tables_are_joined_by_their_names():
    grid = TableBlock("Grid", header=("Country", "Volt"), rows=(("Norway", "230"), ("Ukraine", "220")))
    with Tables({"plants": PLANTS, "the grid": grid}) as tables:
        result = tables.query(
            'SELECT "Plant", "Volt" FROM plants JOIN "the grid" USING ("Country") ORDER BY "Power" DESC LIMIT 1'
        )
        assert result.rows == ((PLANTS.rows[3][0], "220"),)
        with pytest.raises(QueryError, match="plants, the grid"):
            tables.query("SELECT * FROM t")


@pytest.mark.parametrize(
    "header", [("Row", "row number"), ("a (text)", "A"), ('x"; DROP TABLE t; --', "x\ny"), ("", ""), ("a\0", "a")]
)
def test_a_column_of_any_name_can_be_asked(header):
    block = TableBlock("T", header=header, rows=(("1", "10 km"), ("2", "20 km")))
    with Tables(block) as tables:
        for column, cells in zip(tables.columns["t"], zip(*block.rows, strict=True), strict=True):
            name = column.name.replace('"', '""')
            assert [row[0] for row in tables.query(f'SELECT "{name}" FROM t').rows] == list(cells)


def test_a_table_without_rows_or_columns_can_be_asked():
    assert compute(TableBlock("T", header=("a",)), "SELECT count(*) FROM t").rows == (("0",),)
    assert compute(TableBlock("T"), "SELECT count(*) FROM t").rows == (("0",),)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("SELECT 1; DROP VIEW t", "one SELECT"),
        ("/* SELECT */ DROP VIEW t", "one SELECT"),
        ("COPY t TO 'out.csv'", "one SELECT"),
        ("COPY (SELECT * FROM t) TO 'out.csv'", "one SELECT"),
        ("ATTACH 'other.db'", "one SELECT"),
        ("CREATE TABLE x AS SELECT * FROM t", "one SELECT"),
        ("INSERT INTO t SELECT * FROM t", "one SELECT"),
        ("UPDATE t SET \"Plant\" = 'x'", "one SELECT"),
        ("PRAGMA database_list", "one SELECT"),
        ("SET memory_limit = '100GB'", "one SELECT"),
        ("INSTALL httpfs", "one SELECT"),
        ("LOAD httpfs", "one SELECT"),
        ("EXPORT DATABASE 'out'", "one SELECT"),
        ("CALL pragma_version()", "one SELECT"),
        ("EXPLAIN ANALYZE SELECT * FROM t", "one SELECT"),
        ("PREPARE p AS SELECT 1", "one SELECT"),
        ("CHECKPOINT", "one SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "no functions"),
        ("SELECT * FROM read_text('/etc/passwd')", "no functions"),
        ("SELECT * FROM read_blob('/etc/passwd')", "no functions"),
        ("SELECT * FROM parquet_metadata('x')", "no functions"),
        ("SELECT * FROM glob('/*')", "no functions"),
        ("SELECT * FROM query('SELECT 1')", "no functions"),
        ("SELECT * FROM query_table('t')", "no functions"),
        ("SELECT * FROM duckdb_settings()", "no functions"),
        ("SELECT * FROM duckdb_views()", "no functions"),
        ("SELECT * FROM range(1000000000000)", "no functions"),
        ("SELECT * FROM generate_series(1, 1000000000000)", "no functions"),
        ("SELECT count(*) FROM t, LATERAL (SELECT * FROM read_csv('/etc/passwd'))", "no functions"),
        ("SELECT (SELECT max(content) FROM read_text('/etc/passwd'))", "no functions"),
        ("SHOW TABLES", "no functions"),
        ("DESCRIBE t", "no functions"),
        ("SUMMARIZE t", "no functions"),
        ("VALUES (1)", "no functions"),
        ("SELECT * FROM '/etc/passwd'", "no table"),
        ("SELECT * FROM '/etc/*.csv'", "no table"),
        ("SELECT * FROM \"https://example.org/x.csv\"", "no table"),
        ("SELECT * FROM information_schema.tables", "no table"),
        ("SELECT * FROM pg_catalog.pg_class", "no table"),
        ("SELECT * FROM sqlite_master", "no table"),
        ("SELECT * FROM data_0", "no table"),
        ("SELECT * FROM main.t", "no table"),
        ("WITH t2 AS (SELECT * FROM data_0) SELECT * FROM t2", "no table"),
        ("WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r", "RECURSIVE"),
        ("SELECT getenv('HOME')", "getenv is not allowed"),
        ("SELECT current_setting('allowed_paths')", "current_setting is not allowed"),
        ("SELECT version()", "version is not allowed"),
        ("SELECT repeat('x', 1000000000)", "repeat is not allowed"),
        ("SELECT range(1000000000)", "range is not allowed"),
        ("SELECT unnest(range(1000000000))", "not allowed"),
        ("SELECT lpad('x', 1000000000, 'x') FROM t", "lpad is not allowed"),
        ("SELECT read_text('/etc/passwd')", "read_text is not allowed"),
        ("SELECT count(*) FILTER (WHERE getenv('HOME') = 'x') FROM t", "getenv is not allowed"),
        ("SELECT 1 ORDER BY getenv('HOME')", "getenv is not allowed"),
        ("SELECT \"Plant\" FROM t LIMIT (SELECT length(getenv('HOME')))", "not allowed"),
        ("SELECT [x FOR x IN [1, 2]]", "not allowed"),
        ("SELECT $1", "not allowed"),
        ("SELECT " + "(" * 200 + "1" + ")" * 200 + " + 1" * 100, "nested too deeply"),
        ("SELECT " + "abs(" * 100 + "1" + ")" * 100, "nested too deeply"),
        ("SELECT '" + "x" * 5000 + "'", "longer than"),
        ("SELECT replace(\"Plant\", 'a', 'bb') FROM t", "no longer than what it replaces"),
        ("SELECT replace(\"Plant\", '', 'b') FROM t", "no longer than what it replaces"),
        ("SELECT replace(\"Plant\", 'a', \"Country\") FROM t", "two texts in quotes"),
        ("SELECT regexp_replace(\"Plant\", '', 'x', 'g') FROM t", "must be empty"),
        ("SELECT string_agg(\"Plant\", '') OVER (ORDER BY \"row\") FROM t", "string_agg is not allowed before OVER"),
        ("SELECT listagg(\"Plant\") OVER () FROM t", "listagg is not allowed before OVER"),
        ("SELECT count(DISTINCT \"Plant\") OVER (ORDER BY \"row\") FROM t", "DISTINCT is not allowed before OVER"),
        ("SELECT \"Plnt\" FROM t", "Plant"),
        ("SELEC 1", "syntax error"),
        ("SELECT 'open", "unterminated"),
        ("SELECT \"Plant\" + 1 FROM t", "Error"),
        ("SELECT \0", "[Ee]rror"),
    ],
)  # fmt: skip
def test_a_query_that_does_more_than_read_its_table_is_refused_with_the_reason(
    plants, sql, reason, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QueryError, match=reason):
        plants.query(sql)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i, t j, t k, t l, t m, t n, t o, t p, t q",
        "SELECT string_agg(a.\"Plant\", '') FROM t a, t b, t c, t d, t e, t f, t g, t h, t i, t j, t k, t l, t m, t n",
        'SELECT * FROM t a, t b, t c, t d, t e, t f, t g, t h, t i, t j, t k, t l ORDER BY a."Plant" || b."Plant"',
    ],
)
def test_a_query_without_end_ends(plants, sql):
    with pytest.raises(QueryError, match=r"seconds|memory"):  # for ever, without the bound
        plants.query(sql, seconds=0.5)
    assert plants.query("SELECT count(*) FROM t").rows == (("4",),)


def test_the_engine_itself_refuses_files_where_a_query_got_past_the_check(plants, tmp_path):
    import duckdb

    (tmp_path / "x.csv").write_text("a\n1\n")
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path}/x.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/y.csv'",
        f"ATTACH '{tmp_path}/z.db'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error, match=r"disabled by configuration|locked|Cannot change"):
            plants._connection.cursor().execute(sql)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_stored_table_says_what_it_is_and_a_damaged_one_says_what_to_do(tmp_path):
    path = tmp_path / "a.parquet"
    file = TableFile(path, source="s.csv", record="r", block=TableBlock("T", "S", "C", ("A", "a")))
    file.add([("1", "x")] * 30_000)
    info = file.finish()
    assert (info.title, info.header, info.rows) == ("T", ("A", "a"), 30_000)
    assert [column.name for column in info.columns] == ["A", "a (2)"]
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    assert compute(path, 'SELECT sum("A") FROM t').rows == (("30000",),)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KnowledgeBaseError, match="index the file that it came from again"):
        read_table_info(path)
    with pytest.raises(KnowledgeBaseError, match="index the file that it came from again"):
        compute(path, "SELECT 1")


def test_a_table_that_is_given_up_leaves_the_one_before(tmp_path):
    path = tmp_path / "a.parquet"
    for cells, kept in ((("1",), True), (("2",), False)):
        file = TableFile(path, source="s", record="r", block=TableBlock(header=("A",)))
        file.add([cells])
        file.finish() if kept else file.give_up()
    assert compute(path, "SELECT * FROM t").rows == (("1",),)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
