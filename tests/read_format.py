#!/usr/bin/env python3
"""A second reader of libcrm's files, written from docs/FORMAT.md alone.

    read_format.py FILE.crm [--history]

Reads the log without the library: checks the header, every frame's three
checksums, the chain between frames and every entry's own checksum, plays the
entries, and prints every record that is there as one line of JSON, or with
--history every version.  Damage ends it with exit status 1 and the place.

It proves that the document is complete, and it is what remains when the
library cannot be had.  Kinds and fields are taken from lib/model/schema.def,
which the document names as its appendix; a user's own are in the file itself.
Slow by design: one byte at a time, no dependency.
"""

import argparse
import datetime
import json
import pathlib
import re
import struct
import sys
import uuid
import zlib

MAGIC = b"\x89CRM\r\n\x1a\n"
FRAMES_START = 8192
FRAME_HEADER = 64
FRAME_BASE = 1

CREATE, UPDATE, DELETE, RESTORE, ERASE, PACK, FRAMES = range(1, 8)
FULL, SEQUENCE, PACKED = 1, 2, 4
KIND_KIND, KIND_FIELD, KIND_CHOICE = 12, 13, 14


class Damage(Exception):
    """What is wrong and at which byte of the file."""


# ---------------------------------------------------------------- checksums and numbers


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _crc_table()


def crc32c(crc, data):
    """CRC-32C (Castagnoli); feed the result back to continue."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Cursor:
    """Bytes from `at` to `end`; every read is checked against the end."""

    def __init__(self, data, at=0, end=None, offset=0):
        self.data, self.at, self.end = data, at, len(data) if end is None else end
        self.offset = offset  # of data[0] in the file, for messages

    def fail(self, what):
        raise Damage(f"{what} at byte {self.offset + self.at}")

    def take(self, count):
        if count > self.end - self.at:
            self.fail(f"{count} bytes wanted, {self.end - self.at} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value = 0
        for shift in range(0, 64, 7):
            byte = self.take(1)[0]
            if shift == 63 and byte > 1:
                self.fail("number of more than 64 bits")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        return self.fail("number without an end")

    def signed(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        """Length, bytes and the NUL that follows them."""
        value = self.take(self.varint())
        if self.take(1) != b"\0":
            self.fail("text without its NUL")
        return value

    def done(self):
        return self.at == self.end


# ---------------------------------------------------------------- the log


def read_header(data):
    if data[:8] != MAGIC:
        raise Damage("not a libcrm file at byte 0")
    if len(data) < FRAMES_START:
        raise Damage(f"cut off within the header at byte {len(data)}")
    form, reserved = struct.unpack_from("<II", data, 8)
    seed, generation, created, base_lsn, base_end, crc = struct.unpack_from("<QQqQQI", data, 32)
    if crc32c(0, data[:72]) != crc:
        raise Damage("the header's checksum is wrong at byte 72")
    if form != 1 or reserved != 0 or any(data[76:4096]):
        raise Damage("the header page is of another format or not clean at byte 8")
    if base_lsn != 0 and base_end == 0:
        raise Damage("the file was never finished, see byte 64")
    return {
        "file": str(uuid.UUID(bytes=data[16:32])),
        "key": crc32c(0, data[16:40]),
        "seed": seed,
        "generation": generation,
        "created": created,
        "base_lsn": base_lsn,
        "base_end": base_end,
    }


def read_frame(data, offset, key, previous):
    """One frame as a dictionary, or None where no frame is."""
    head = data[offset : offset + FRAME_HEADER]
    if len(head) < FRAME_HEADER or head[:4] != b"CRMF":
        return None
    (header_crc, lsn, time, durable, entries_length, meta_length, entry_count, previous_crc, crc, flags, zero) = (
        struct.unpack_from("<IQqQQIIIIII", head, 4)
    )
    if crc32c(key, head[8:]) != header_crc or zero != 0:
        return None
    payload = entries_length + meta_length
    start, end = offset + FRAME_HEADER, offset + FRAME_HEADER + payload
    if end > len(data) or any(data[end : end + -payload % 8]):
        raise Damage(f"frame {lsn} does not end as it should, at byte {offset}")
    if previous_crc != previous:
        raise Damage(f"frame {lsn} is not chained to the one before it, at byte {offset}")
    expected = crc32c(previous_crc, head[8:48])
    expected = crc32c(expected, head[56:60])
    if crc32c(expected, data[start:end]) != crc:
        raise Damage(f"frame {lsn} has a wrong checksum, at byte {offset}")
    meta = data[start + entries_length : end]
    if crc32c(0, meta[4:]) != struct.unpack_from("<I", meta)[0]:
        raise Damage(f"frame {lsn}: actor, reason and batch have a wrong checksum, at byte {offset}")
    cursor = Cursor(meta, 4, offset=start + entries_length)
    actor, reason, batch = (cursor.take(cursor.varint()).decode() for _ in range(3))
    if not cursor.done() or durable >= lsn:
        raise Damage(f"frame {lsn} has a strange end or durable number, at byte {offset}")
    return {
        "lsn": lsn, "time": time, "flags": flags, "crc": crc, "count": entry_count,
        "actor": actor, "reason": reason, "batch": batch,
        "start": start, "entries": data[start : start + entries_length], "next": end + -payload % 8,
    }  # fmt: skip


def read_entry(cursor):
    at = cursor.at
    crc = struct.unpack("<I", cursor.take(4))[0]
    length = cursor.varint()
    end = cursor.at + length
    cursor.take(length)
    if crc32c(0, cursor.data[at + 4 : end]) != crc:
        raise Damage(f"an entry's checksum is wrong at byte {cursor.offset + at}")
    inner = Cursor(cursor.data, end - length, end, cursor.offset)
    first = inner.take(1)[0]
    entry = {"offset": cursor.offset + at, "operation": first & 15, "flags": first >> 4}
    for name in ("kind", "number", "lsn", "version", "back"):
        entry[name] = inner.varint()
    entry["sequence"] = inner.varint() if entry["flags"] & SEQUENCE else None
    entry["body"] = inner
    return entry


def frames(data, header):
    """All frames in order; zeros, or a torn last frame, end them."""
    offset, previous, lsn, time = FRAMES_START, header["key"], header["base_lsn"], None
    while frame := read_frame(data, offset, header["key"], previous):
        base = frame["flags"] & FRAME_BASE
        if frame["lsn"] != (header["base_lsn"] if base else lsn + 1) or (time is not None and frame["time"] < time):
            raise Damage(f"frame {frame['lsn']} is out of order at byte {offset}")
        yield frame
        lsn, time, previous, offset = frame["lsn"], frame["time"], frame["crc"], frame["next"]
    if any(data[offset:]):
        raise Damage(f"what follows the last good frame is not empty at byte {offset}")


# ---------------------------------------------------------------- the schema

TYPES = (
    "BOOL INT DECIMAL REAL MONEY TIME DATE TEXT CHOICE CURRENCY REF ANY_REF ID . . "
    "EMAILS PHONES ADDRESSES EXTERNAL_IDS TAGS REFS"
).split()
LISTS = ("EMAILS", "PHONES", "ADDRESSES", "EXTERNAL_IDS", "TAGS", "REFS")
PARTS = {1: "value", 2: "label", 3: "primary", 4: "opt_out", 5: "invalid", 6: "street", 7: "city", 8: "region",
         9: "postal_code", 10: "country", 11: "system", 12: "role"}  # fmt: skip
PART_REF, PART_INTS = 13, (3, 4, 5)


class Schema:
    """Kinds by number; each has a name, fields by number, and their choices."""

    def __init__(self):
        self.kinds = {}
        common, numbers = [], {}
        path = pathlib.Path(__file__).resolve().parent.parent / "lib/model/schema.def"
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"(COMMON|KIND|FIELD|CHOICE)\((.*)\)", line)
            if not match:
                continue
            part = [x.strip() for x in match[2].split(",")]
            if match[1] == "COMMON":
                common.append((int(part[0]), part[2], part[3], part[4], part[5]))
            elif match[1] == "KIND":
                numbers[part[1]] = int(part[0])
                self.add_kind(int(part[0]), part[2], common)
            elif match[1] == "FIELD":
                self.add_field(numbers[part[0]], int(part[1]), part[3], part[4], part[5], part[6])
            else:
                kind = self.kinds[numbers[part[0]]]
                field = next(f for f in kind["fields"].values() if f["name"] == part[1].lower())
                field["choices"][int(part[2])] = part[4]
        self.common = common

    def add_kind(self, number, name, common):
        self.kinds[number] = {"name": name, "fields": {}}
        for field in common:
            self.add_field(number, *field)

    def add_field(self, kind, number, name, kind_of_value, flags, target):
        self.kinds[kind]["fields"][number] = {
            "name": name, "type": kind_of_value, "personal": "PER" in flags, "system": "SYS" in flags,
            "target": int(target), "choices": {},
        }  # fmt: skip

    def learn(self, kind, fields):
        """A user's own kind, field or choice is a record like any other."""
        get = {self.kinds[kind]["fields"][n]["name"]: v for n, v in fields.items()}
        if kind == KIND_KIND:
            self.add_kind(get["number"], get["name"].decode(), self.common)
        elif kind == KIND_FIELD:
            self.add_field(get["of_kind"], get["number"], get["name"].decode(), TYPES[get["type"] - 1],
                           "PER" if get.get("flags", 0) & 16 else "", get.get("target", 0))  # fmt: skip
        elif kind == KIND_CHOICE:
            self.kinds[get["of_kind"]]["fields"][get["of_field"]]["choices"][get["code"]] = get["name"].decode()


# ---------------------------------------------------------------- bodies


def read_id(cursor, base):
    """The id at the start of a CREATE; `base` is the frame's first, or None."""
    distance = cursor.varint()
    if distance == 0:
        return cursor.take(16)
    if base is None:
        cursor.fail("an id relative to none")
    low = int.from_bytes(base[8:], "big") + distance & 0xFFFFFFFFFFFFFFFF
    return base[:8] + low.to_bytes(8, "big")


def read_fields(cursor):
    """Field number to value as stored: int, float, bytes, or None for taken away."""
    fields, number = {}, 0
    while not cursor.done():
        tag = cursor.varint()
        number += tag >> 3
        wire = tag & 7
        if wire in (0, 5, 6):
            fields[number] = cursor.signed() * {0: 1, 5: 10**6, 6: 86400 * 10**6}[wire]
        elif wire == 1:
            fields[number] = cursor.text()
        elif wire == 2:
            fields[number] = None
        elif wire == 3:
            fields[number] = struct.unpack("<d", cursor.take(8))[0]
        elif wire == 4:
            length = cursor.varint()
            fields[number] = zlib.decompress(cursor.take(cursor.varint()))
            if len(fields[number]) != length:
                cursor.fail("a deflated text of another length")
        else:
            cursor.fail(f"wire {wire}")
    return fields


def inflate(cursor):
    """The body of a pack or a table of transactions."""
    length = cursor.varint()
    raw = zlib.decompress(cursor.take(cursor.end - cursor.at))
    if len(raw) != length:
        cursor.fail("a deflated block of another length")
    return raw


def read_items(value):
    """A list's items, each a dictionary of its parts."""
    cursor, items = Cursor(value), []
    while not cursor.done():
        length = cursor.varint()
        inner = Cursor(value, cursor.at, cursor.at + length)
        cursor.take(length)
        item = {}
        while not inner.done():
            part = inner.take(1)[0]
            if part == PART_REF:
                item["ref"] = (inner.varint(), inner.varint())
            elif part in PART_INTS:
                item[PARTS[part]] = inner.varint()
            else:
                item[PARTS[part]] = inner.text().decode()
        items.append(item)
    return items


# ---------------------------------------------------------------- playing the log


class Database:
    """The state after the last frame, and with `on_version` everything on the way."""

    def __init__(self, path, on_version=None):
        self.data = pathlib.Path(path).read_bytes()
        self.header = read_header(self.data)
        self.schema = Schema()
        self.records = {}  # (kind, number): record
        self.transactions = {}  # LSN: when and by whom
        self.packs = {}  # offset: the old versions that a compaction put away
        self.frames = 0
        self.on_version = on_version
        self.told = []  # versions that on_version shall hear of
        for frame in frames(self.data, self.header):
            self.play(frame)
            self.frames += 1
            if not frame["flags"] & FRAME_BASE:  # in base frames a reference may come before what it refers to
                self.tell()
        self.tell()

    def play(self, frame):
        cursor = Cursor(frame["entries"], offset=frame["start"])
        base, count = None, 0
        self.transactions[frame["lsn"]] = frame
        while not cursor.done():
            entry = read_entry(cursor)
            count += 1
            if entry["operation"] == PACK:
                self.packs[entry["offset"]] = inflate(entry["body"])
                continue
            if entry["operation"] == FRAMES:
                self.play_table(entry)
                continue
            if entry["lsn"] != frame["lsn"] and not frame["flags"] & FRAME_BASE:
                raise Damage(f"an entry of transaction {entry['lsn']} in frame {frame['lsn']} at byte {entry['offset']}")
            if entry["operation"] == CREATE:
                identity = read_id(entry["body"], base)
                base = base or identity
                self.records[entry["kind"], entry["number"]] = {"id": identity, "fields": {}, "version": 0}
                if entry["flags"] & PACKED:
                    self.play_pack(entry)
            self.apply(entry)
        if count != frame["count"]:
            raise Damage(f"frame {frame['lsn']} has {count} entries, not {frame['count']}, at byte {frame['start']}")

    def play_table(self, entry):
        """Transactions of before a compaction: the first LSN stands in the place of an entry's, their count in
        that of its version."""
        cursor, time = Cursor(inflate(entry["body"])), 0
        for lsn in range(entry["lsn"], entry["lsn"] + entry["version"]):
            time += cursor.signed()
            actor, reason, batch = (cursor.take(cursor.varint()).decode() for _ in range(3))
            self.transactions[lsn] = {"time": time, "actor": actor, "reason": reason, "batch": batch}

    def play_pack(self, entry):
        """The versions before `entry`, which lie in packs, oldest first."""
        chain, place = [], entry["back"]
        while place:
            pack = self.packs.get((place & ~(1 << 62)) >> 20)
            if pack is None or place >> 62 != 1:
                entry["body"].fail("a version's pack is not there")
            old = read_entry(Cursor(pack, place & 0xFFFFF))
            if (old["kind"], old["number"]) != (entry["kind"], entry["number"]) or len(chain) > entry["version"]:
                entry["body"].fail("a pack holds another record's version")
            chain.append(old)
            place = old["back"] if old["flags"] & PACKED else 0
        for old in reversed(chain):
            if old["operation"] == CREATE and old["body"].varint() != 1:
                old["body"].fail("a packed first version starts with 1 in the place of its id")
            self.apply(old, packed=True)

    def apply(self, entry, packed=False):
        record = self.records.get((entry["kind"], entry["number"]))
        if record is None or entry["kind"] not in self.schema.kinds:
            raise Damage(f"an entry of an unknown record or kind at byte {entry['offset']}")
        if entry["back"] and not entry["flags"] & PACKED and record.get("offset") != entry["offset"] - entry["back"]:
            raise Damage(f"an entry does not point to the version before it at byte {entry['offset']}")
        if entry["version"] <= record["version"]:
            raise Damage(f"version {entry['version']} of a record twice, at byte {entry['offset']}")
        fields = record["fields"]
        if entry["operation"] == ERASE:
            known = self.schema.kinds[entry["kind"]]["fields"]
            fields = {n: v for n, v in fields.items() if not known[n]["personal"]}
        changed = read_fields(entry["body"])
        fields = changed if entry["flags"] & FULL or entry["operation"] == CREATE else {**fields, **changed}
        record.update(
            fields={n: v for n, v in fields.items() if v is not None},
            offset=entry["offset"], version=entry["version"], modified=self.transactions[entry["lsn"]],
            lsn=entry["lsn"], deleted=entry["operation"] == DELETE, operation=entry["operation"],
        )  # fmt: skip
        record.setdefault("created", record["modified"])
        if not packed and entry["operation"] in (CREATE, UPDATE) and entry["kind"] in (KIND_KIND, KIND_FIELD, KIND_CHOICE):
            self.schema.learn(entry["kind"], record["fields"])
        if self.on_version:
            self.told.append((entry["kind"], dict(record)))

    def tell(self):
        for kind, record in self.told:
            self.on_version(self.present(kind, record))
        self.told.clear()

    # -------------------------------------------------------- as JSON

    def name_of(self, kind, number):
        """A reference as the id of its target."""
        return str(uuid.UUID(bytes=self.records[kind, number]["id"]))

    def value(self, field, value):
        kind_of_value = field["type"]
        if kind_of_value in LISTS:
            items = read_items(value)
            for item in items:
                if "ref" in item:
                    item["ref"] = self.name_of(*item["ref"])
            return items
        if kind_of_value == "TEXT":
            return value.decode()
        if kind_of_value == "REF":
            return self.name_of(field["target"], value)
        if kind_of_value == "ANY_REF":
            return self.name_of(value & 0xFFFF, value >> 16)
        if kind_of_value == "CHOICE":
            return field["choices"].get(value, value)
        if kind_of_value == "BOOL":
            return bool(value)
        if kind_of_value == "TIME":
            return instant(value)
        if kind_of_value == "DATE":
            return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=value))
        return value

    def present(self, kind, record):
        known = self.schema.kinds[kind]["fields"]
        created_at, created_by = record["fields"].get(2), record["fields"].get(3)  # only when the first version is gone
        line = {
            "kind": self.schema.kinds[kind]["name"],
            "id": str(uuid.UUID(bytes=record["id"])),
            "version": record["version"],
            "lsn": record["lsn"],
            "operation": record["operation"],
            "deleted": record["deleted"],
            "created_at": instant(record["created"]["time"] if created_at is None else created_at),
            "created_by": record["created"]["actor"] if created_at is None else (created_by or b"").decode(),
            "modified_at": instant(record["modified"]["time"]),
            "modified_by": record["modified"]["actor"],
        }
        for number, value in sorted((n, v) for n, v in record["fields"].items() if n not in (2, 3)):
            line[known[number]["name"]] = self.value(known[number], value)
        return line

    def lines(self):
        for (kind, _), record in sorted(self.records.items()):
            yield self.present(kind, record)


def instant(microseconds):
    """ISO 8601, UTC, with a fraction only where there is one."""
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    text = time.isoformat(timespec="microseconds")
    return (text.rstrip("0").rstrip(".") if microseconds % 10**6 else text[:19]) + "Z"


def main():
    parser = argparse.ArgumentParser(description="reads a libcrm file without the library")
    parser.add_argument("file")
    parser.add_argument("--history", action="store_true", help="every version, oldest first")
    arguments = parser.parse_args()
    emit = lambda line: print(json.dumps(line, ensure_ascii=False))
    try:
        database = Database(arguments.file, emit if arguments.history else None)
        if not arguments.history:
            for line in database.lines():
                emit(line)
    except Damage as damage:
        print(f"{arguments.file}: {damage}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
