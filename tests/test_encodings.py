"""Bytes in old encodings to the words that their authors wrote, with what is said where that is not certain."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from r1router.ingest.parts.encodings import find_codec, guess
from r1router.ingest.records import Problem
from reading import read, written

SAMPLES = {
    "cp932": "倉庫の管理者は田中さんです。東京と大阪に支店があります。",
    "cp949": "창고 관리자는 김민수입니다. 서울과 부산에 지점이 있습니다.",
    "big5": "倉庫管理員是陳先生，台北和高雄有分店。",
    "gb18030": "仓库管理员是李明。",
    "cp1251": "Склад находится в Москве, заведующий — Иванов.",
    "koi8_r": "Склад находится в Москве, заведующий Иванов.",
    "cp1253": "Η αποθήκη βρίσκεται στην Αθήνα και ο διευθυντής",
    "cp1254": "Müdür Ayşe Yılmaz İstanbul'da çalışıyor, şube Ankara'da.",
    "cp1255": "המחסן נמצא בתל אביב והמנהל הוא דוד",
    "cp1256": "المستودع يقع في القاهرة والمدير هو أحمد",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy – „Škoda“",
    "iso8859_2": "Škoda z Plzně má žluté kolo, příliš žluťoučký kůň",
    "cp874": "คลังสินค้าอยู่ที่กรุงเทพ",
    "cp1252": "Le café à l’hôtel coûte 5 € – déjà",
    "mac_roman": "Le café à l’hôtel coûte 5 € – déjà",
    "cp850": "Größe café über",
}
LONGER = {
    "iso2022_jp": "倉庫は大阪市北区にあり、担当は田中さんです。",
    "iso2022_kr": "창고는 부산 해운대구에 있고 담당자는 김민수입니다.",
    "iso8859_2": "Magazyn znajduje się przy ulicy Żeromskiego, klucze ma stróż Łukasz Święcki",
    "iso8859_5": "Склад находится на улице Гагарина, ключи у сторожа Иванова",
    "iso8859_6": "يقع المستودع في شارع الملك فهد والمفاتيح عند الحارس",
    "iso8859_7": "Η αποθήκη βρίσκεται στην οδό Ερμού, τα κλειδιά έχει ο φύλακας",
    "iso8859_9": "Depo Şişli'de, anahtarlar güvenlik görevlisi Çağlar Öztürk'te bulunuyor",
    "cp866": "Склад находится на улице Гагарина, ключи у сторожа Иванова",
    "cp850": "Das Lager steht in der Größestraße, die Schlüssel hat Herr Müller für 5 EUR",
    "mac_roman": "Das Lager steht in der Größestraße, die Schlüssel hat Herr Müller für 5 €",
    "cp1257": "Sandėlis yra Žvėryno gatvėje, raktus turi sargas Šarūnas",
    "utf_16_le": "Вася 16",
    "utf_32": "Größe",
}


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "csv"])
@pytest.mark.parametrize("encoding", LONGER)
def test_a_sentence_is_read_whatever_file_it_stands_in(tmp_path: Path, encoding: str, suffix: str) -> None:
    words = LONGER[encoding].replace(",", "" if suffix == "csv" else ",")
    around = {"html": "<p>{}</p>", "csv": "id,words\n1,{}\n2,none\n"}.get(suffix, "{}")
    [record, *_] = read(written(tmp_path / f"a.{suffix}", around.format(words).encode(encoding)))
    assert (record.rows[0][1] if suffix == "csv" else record.text) == words


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xml", '<?xml version="1.0" encoding="windows-1251"?><r>кот</r>'.encode("cp1251")),
        ("a.py", "# -*- coding: koi8-r -*-\nx = 'кот'\n".encode("koi8_r")),
        ("a.css", '@charset "iso-8859-5"; a::after {content: "кот"}'.encode("iso8859_5")),
        ("a.html", "<meta charset=iso-8859-1><p>кот".encode()),
    ],
)
def test_what_a_file_says_of_its_encoding_decides_unless_it_is_plainly_utf8(
    tmp_path: Path, name: str, content: bytes
) -> None:
    assert "кот" in read(written(tmp_path / name, content))[0].text


@pytest.mark.parametrize("encoding", SAMPLES)
def test_a_text_in_an_old_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path / "a.txt", SAMPLES[encoding].encode(encoding))
    assert read(path)[0].text == SAMPLES[encoding]


@pytest.mark.parametrize("encoding", SAMPLES)
def test_a_table_of_mostly_ascii_is_read_by_the_few_words_that_are_not(tmp_path: Path, encoding: str) -> None:
    words = SAMPLES[encoding].replace(",", "").split()
    lines = ["id,street,name", *(f"{n},{n} Harbour Road Building {n},{word}" for n, word in enumerate(words))]
    path = written(tmp_path / "a.csv", "\n".join(lines).encode(encoding))
    assert [row[2] for row in read(path)[0].rows] == words


def test_a_choice_that_is_not_certain_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "5 µm 20 °C ±3 ½".encode("cp1252"))
    passage, problem = read(path)
    assert passage.text == "5 µm 20 °C ±3 ½"
    assert isinstance(problem, Problem)
    assert problem.read
    assert problem.reason.startswith("read as Windows-1252, ")


@pytest.mark.parametrize(
    "words",
    ["It’s fine.", "‘a’ or “b”", "Price: 5 €", "© 2024 Acme™", "20 °C outside", "5 µm", "Noël", "le naïf", "è vero",
     "Müller", "’’ … –", "naïve résumé", "¿Qué?", "São Paulo", "Malmö", "køb"],
)  # fmt: skip
def test_a_letter_or_two_are_read_in_the_commonest_encoding_and_told(tmp_path: Path, words: str) -> None:
    passage, problem = read(written(tmp_path / "a.txt", f"Notes of Monday.\n{words}\n".encode("cp1252")))
    assert passage.text == f"Notes of Monday.\n{words}"
    assert problem.reason.startswith("read as Windows-1252, ")


def test_random_bytes_are_in_no_encoding() -> None:
    assert list(guess(bytes(range(128, 256)) * 3)) == []


@pytest.mark.parametrize(
    ("label", "codec"),
    [("iso-8859-1", "cp1252"), ("gb2312", "gbk"), ("utf8", "utf-8"), ("ks_c_5601-1987", "cp949"), ("x", "")],
)
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str) -> None:
    assert find_codec(label) == (codecs.lookup(codec).name if codec else "")
