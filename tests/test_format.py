#!/usr/bin/env python3
"""docs/FORMAT.md is complete and true: what a reader written from it alone
(read_format.py) finds in a file is what the library says is in it, and no
flipped bit gets past it.  Proves P3, P9."""

import decimal
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import read_format

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
CRM = os.environ.get("CRM", str(BUILD / "crm"))
DECIMALS = {978: 2, 840: 2, 392: 0}
CURRENCIES = {978: "EUR", 840: "USD", 392: "JPY"}


def crm(verb, file, *arguments, text=None):
    result = subprocess.run(
        [CRM, *verb.split(), str(file), *arguments], input=text, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise AssertionError(f"crm {verb} {' '.join(arguments)}: {result.stderr}")
    return result.stdout


def items(value):
    """A list's items in one form, however short they were written."""
    result = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            system, colon, rest = item.partition(":")
            item = {"system": system, "value": rest} if colon else {"value": item}
        result.append({k: int(v) if isinstance(v, bool) else v for k, v in item.items() if v not in (0, False, "")})
    if sum(item.get("primary", 0) for item in result) == result[0].get("primary", 0):
        result[0].pop("primary", None)  # that the first is the primary one goes without saying
    return result


def expected(database, kind, record):
    """A record of the second reader as the library's export writes it."""
    known = database.schema.kinds[kind]["fields"]
    by_name = {field["name"]: (number, field) for number, field in known.items()}
    shown = database.present(kind, record)
    line = {"id": shown["id"]}
    for name, value in shown.items():
        if name not in by_name or by_name[name][0] not in record["fields"]:
            continue
        number, field = by_name[name]
        raw = record["fields"][number]
        if field["type"] in read_format.LISTS:
            value = items(value)
        elif field["type"] == "MONEY":
            currency = next((v for n, v in record["fields"].items() if known[n]["name"] == "currency"), 978)
            value = decimal.Decimal(raw).scaleb(-DECIMALS[currency])
        elif field["type"] == "DECIMAL":
            value = decimal.Decimal(raw).scaleb(-field["target"])
        elif field["type"] == "CURRENCY":
            value = CURRENCIES[raw]
        elif field["type"] in ("REAL", "INT"):
            value = decimal.Decimal(str(raw))
        line[name] = value
    return line


def exported(database, kind, file, *options):
    """What the library exports, list items in one form, unset fields left out."""
    known = {field["name"]: field["type"] for field in database.schema.kinds[kind]["fields"].values()}
    lines = []
    name = database.schema.kinds[kind]["name"]
    for row in crm("export", file, name, "--format", "jsonl", *options).splitlines():
        line = {}
        for key, value in json.loads(row, parse_float=decimal.Decimal, parse_int=decimal.Decimal).items():
            if value is not None:
                line[key] = items(value) if known[key] in read_format.LISTS else value
        lines.append(line)
    return lines


class Format(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = pathlib.Path(cls.folder.name) / "sample.crm"
        cls.fill(cls.file)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @staticmethod
    def fill(file):
        """Every type of value, every operation, a user's own fields and kinds."""
        long_text = "This text is long enough to be deflated. " * 60
        crm("init", file)
        crm("field add", file, "customer", "seats", "int", "--indexed")
        crm("field add", file, "customer", "ratio", "real")
        crm("field add", file, "customer", "margin", "decimal", "--scale", "3")
        crm("field add", file, "customer", "tier", "choice", "--choices", "gold,silver")
        crm("kind add", file, "site")
        crm("field add", file, "site", "name", "text", "--required")
        crm("field add", file, "site", "customer", "ref", "--target", "customer")
        crm("add", file, "customer", "name=Süd & Söhne GmbH", "emails=info@sued.example;sales@sued.example",
            "phones=+49 30 23125 001", "external_ids=erp:10", "tags=sample;vip", "annual_revenue=1234567.89",
            "seats=-5", "ratio=0.1", "margin=12.345", "tier=gold", f"description={long_text}")  # fmt: skip
        crm("add", file, "customer", "name=東京商事", "currency=JPY", "annual_revenue=5000", "parent=Süd & Söhne GmbH")
        crm("add", file, "customer", "name=Gone Ltd", "blacklisted=true")
        crm("add", file, "contact", "first_name=ليلى", "last_name=النوري", "customer=Süd & Söhne GmbH",
            "birthdate=1969-07-20", "emails=layla@sued.example")  # fmt: skip
        crm("add", file, "opportunity", "name=Big one", "customer=Süd & Söhne GmbH", "amount=1000.50",
            "close_date=2025-12-31")  # fmt: skip
        crm("add", file, "interaction", "type=call", "subject=Half a second", "start=2024-02-29T23:59:59.5Z",
            "customer=東京商事", "contact=ليلى النوري")  # fmt: skip
        crm("add", file, "interaction", "type=purchase", "subject=Midnight", "start=1969-01-01T00:00:00Z",
            "customer=Süd & Söhne GmbH", "amount=-3.07")  # fmt: skip
        crm("add", file, "site", "name=Plant 1", "customer=東京商事")
        for i in range(20):  # more versions than one chain of changes has
            crm("set", file, "東京商事", f"seats={i}", "--actor", f"user {i}", "--reason", "counting")
        crm("set", file, "Süd & Söhne GmbH", "ratio=", "name=Süd & Söhne AG")
        crm("stage", file, "東京商事", "stable")
        crm("delete", file, "Gone Ltd")

    def compare(self, file):
        database = read_format.Database(file)
        compared = 0
        for kind in database.schema.kinds:
            ours = [
                expected(database, kind, record)
                for (k, _), record in sorted(database.records.items())
                if k == kind and not record["deleted"]
            ]
            theirs = exported(database, kind, file)
            self.assertEqual(len(ours), len(theirs), database.schema.kinds[kind]["name"])
            for mine, library in zip(ours, theirs):
                # System fields are in the file but not in an export.
                self.assertEqual({k: v for k, v in mine.items() if k in library}, library)
                extra = set(mine) - set(library)
                named = {f["name"]: f for f in database.schema.kinds[kind]["fields"].values()}
                self.assertTrue(all(named[name]["system"] for name in extra), extra)
                compared += 1
        return compared

    def test_second_reader_finds_what_the_library_exports(self):
        self.assertGreaterEqual(self.compare(self.file), 15)

    def test_second_reader_reads_the_generated_company(self):
        file = pathlib.Path(self.folder.name) / "company.crm"
        subprocess.run([BUILD / "tools/generate_company", file], check=True, capture_output=True)
        self.assertGreater(self.compare(file), 5000)

    def test_history_has_every_version_with_actor_and_time(self):
        lines = []
        read_format.Database(self.file, lines.append)
        tokyo = [line for line in lines if line.get("name") == "東京商事"]
        # created, 20 times changed, moved to stable
        self.assertEqual([line["version"] for line in tokyo], list(range(1, 23)))
        self.assertEqual([line["seats"] for line in tokyo[1:21]], list(range(20)))
        self.assertEqual([line["modified_by"] for line in tokyo[1:21]], [f"user {i}" for i in range(20)])
        stored = [json.loads(x) for x in crm("history", self.file, "東京商事", "--format", "jsonl").splitlines()]
        self.assertEqual(len({x["version"] for x in stored}), 22)

    def test_a_deleted_record_is_marked_and_kept(self):
        database = read_format.Database(self.file)
        gone = [x for x in database.lines() if x.get("name") == "Gone Ltd"]
        self.assertEqual([x["deleted"] for x in gone], [True])

    def test_second_reader_reads_a_compacted_file_with_its_history(self):
        file = pathlib.Path(self.folder.name) / "compacted.crm"
        crm("backup", self.file, str(file))
        crm("compact", file)
        self.assertGreaterEqual(self.compare(file), 15)
        before, after = [], []
        read_format.Database(self.file, before.append)
        read_format.Database(file, after.append)
        key = lambda line: (line["kind"], line["id"], line["version"])
        for lines in (before, after):
            lines.sort(key=key)
            for line in lines:
                del line["operation"]  # the newest version of a compacted file is written as a create
        self.assertEqual(before, after)

    def test_every_flipped_bit_is_found(self):
        data = bytearray(self.file.read_bytes())
        end = len(bytes(data).rstrip(b"\0"))
        copy = pathlib.Path(self.folder.name) / "flipped.crm"
        # The control page (4096 to 8191) holds hints only and is not covered.
        places = [*range(0, 76, 5), *range(8192, end, max(1, (end - 8192) // 150))]
        for place in places:
            for bit in (0x01, 0x80):
                data[place] ^= bit
                copy.write_bytes(data)
                with self.assertRaises(read_format.Damage, msg=f"byte {place}"):
                    read_format.Database(copy)
                data[place] ^= bit


if __name__ == "__main__":
    unittest.main()
