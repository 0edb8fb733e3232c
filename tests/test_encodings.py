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


def test_random_bytes_are_in_no_encoding() -> None:
    assert list(guess(bytes(range(128, 256)) * 3)) == []


@pytest.mark.parametrize(
    ("label", "codec"),
    [("iso-8859-1", "cp1252"), ("gb2312", "gbk"), ("utf8", "utf-8"), ("ks_c_5601-1987", "cp949"), ("x", "")],
)
def test_labels_mean_what_browsers_take_them_for(label: str, codec: str) -> None:
    assert find_codec(label) == (codecs.lookup(codec).name if codec else "")
