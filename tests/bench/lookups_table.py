# SPDX-License-Identifier: BSD-2-Clause
"""What was measured, in words: a table for each size, each target met or missed, what a part of an answer costs."""
import json
import statistics
import sys

from lookups_cells import CELLS

# Most that rollcall may take: times the floor in the same round, or ns, at 1k, 100k and 1M accounts.
TIMES_FLOOR = {"getpwnam": (1.3, 1.15, 1.05), "getpwuid": (1.3, 1.15, 1.05),
               "getpwnam-threads": (1.3, 1.4, 1.25), "getpwuid-threads": (1.3, 1.4, 1.25),
               "unknown-name": (1.0, 1.0, 1.0), "unknown-uid": (1.0, 1.0, 1.0)}
NANOSECONDS = {"getgrgid": (180, 400, 1000), "getgrouplist": (120, 400, 800)}
FIRST = {"us": (65, "us"), "ours": (9, "system calls"), "KiB": (64, "KiB")}
AS_ONE = 1.1  # two processes beside one
# Cells whose answer has parts, and how many (none: 50,000 or everybody).
PARTS = (("getgrgid", "a member of 200", 200), ("crowd", "a member of 50,000", 0),
         ("getgrouplist", "a group of 10", 10), ("grouplist-500", "a group of 500", 510),
         ("grouplist-10000", "a group of 10,000", 10010), ("getpwent", "an entry of an enumeration", 1))
SIZES = (1000, 100000, 1000000)
COLUMNS = ("floor", "rollcall", "sssd", "libnss-cache", "libnss-db", "nscd", "files", "nslcd")
NOT_GATED = ("floor", "rollcall", "nscd")  # nscd is no module: glibc asks it before nsswitch.conf


def summary(row):
    """Medians over the rounds: ns, and times the floor."""
    floor = dict(row.get("floor", {}).get("ns", []))
    short = {}
    for name, found in row.items():
        if "ns" not in found:
            short[name] = found
        elif found["ns"]:
            short[name] = {"ns": statistics.median(v for _, v in found["ns"]), "rounds": len(found["ns"])}
            ratios = [v / floor[n] for n, v in found["ns"] if n in floor]
            if ratios and name != "floor":
                short[name]["ratio"] = statistics.median(ratios)
    return short


def duration(ns):
    for unit, size in (("ns", 1), ("us", 1e3), ("ms", 1e6)):
        if ns < 1000 * size or unit == "ms":
            value = ns / size
            return f"{value:.0f} {unit}" if value >= 99.5 or unit == "ns" else f"{value:.1f} {unit}"
    return ""


def times(ratio):
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:,.0f}"


def shown(name, found):
    if not found:
        return "-"
    if "wrong" in found:
        return "wrong"
    if "slow" in found:
        return f"over {found['slow']:.0f} s"
    if name == "floor" or "ratio" not in found:
        return duration(found["ns"])
    return f"{times(found['ratio'])} ({duration(found['ns'])})"


def grid(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |" for r in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return lines


def first_rows(size):
    first, names = size["first"], size["services"]
    rows = [["first lookup of a process"] + [duration(first[n]["us"] * 1e3) if n in first else "-" for n in names]]
    rows.append(["  its system calls (less an empty module's)"] +
                [str(first[n]["ours"]) if n in first else "-" for n in names])
    rows.append(["  its private memory"] + [f"{first[n]['KiB']:.0f} KiB" if n in first else "-" for n in names])
    return rows


def limit(table, ident, people):
    return table[ident][SIZES.index(people)] if ident in table and people in SIZES else None


def verdict(met):
    return "met" if met else "MISSED"


def targets(size, cells):
    """A row for each target that was measured: what, measured, wanted, and how it stands."""
    rows = []
    for cell in cells:
        row = size["cells"].get(cell.ident, {})
        ours, floor = row.get("rollcall", {}), row.get("floor", {})
        if "ns" not in ours:
            continue
        most = limit(TIMES_FLOOR, cell.ident, size["people"])
        if most and "ratio" in ours:
            rows.append([cell.title, f"{ours['ratio']:.2f} times the floor", f"{most}", verdict(ours["ratio"] <= most)])
        most = limit(NANOSECONDS, cell.ident, size["people"])
        if most:
            rows.append([cell.title, f"{ours['ns']:.0f} ns (floor {floor.get('ns', 0):.0f})", f"{most} ns",
                         verdict(ours["ns"] <= most)])
        alone = size["cells"].get(cell.op, {})
        if cell.processes > 1 and "ns" in alone.get("rollcall", {}):
            ratio, floors = (row[n]["ns"] / alone[n]["ns"] for n in ("rollcall", "floor"))
            rows.append([cell.title, f"{ratio:.2f} times one process (floor {floors:.2f})",
                         f"{AS_ONE}, or the floor's", verdict(ratio <= max(AS_ONE, floors))])
    for name in size["services"]:
        if name not in NOT_GATED:
            slower = [c.title for c in cells if not ahead(size["cells"].get(c.ident, {}), name)]
            rows.append([f"ahead of {name}", "all but " + "; ".join(slower) if slower else "everywhere", "everywhere",
                         verdict(not slower)])
    ours = size["first"].get("rollcall", {})
    for what, (most, unit) in FIRST.items():
        if ours:
            rows.append(["first lookup of a process", f"{ours[what]:.0f} {unit}", f"{most} {unit}",
                         verdict(ours[what] <= most)])
    return rows


def ahead(row, name):
    """Is rollcall faster than that peer, or one of both not asked?"""
    ours, theirs = row.get("rollcall", {}), row.get(name, {})
    return "ns" not in ours or "ns" not in theirs or ours["ns"] < theirs["ns"]


def linear(found):
    """What a part of the answer costs, small answers and large: rows over all sizes."""
    rows = [["a part of the answer, ns", *(f"{s['people']:,} accounts" for s in found["sizes"])]]
    for ident, title, parts in PARTS:
        row = [title]
        for size in found["sizes"]:
            cell = size["cells"].get(ident, {})
            ours, floor = cell.get("rollcall", {}), cell.get("floor", {})
            n = parts if parts else min(50000, size["people"])
            row.append(f"{ours['ns'] / n:.2f} (floor {floor['ns'] / n:.2f})" if "ns" in ours and "ns" in floor else "-")
        rows.append(row)
    return rows


def text(found, cells=CELLS):
    m = found["machine"]
    lines = [f"{m['processor']}, {m['cores']} cores, kernel {m['kernel']}, glibc {m['glibc']}, {m['date']}; " +
             ", ".join(f"{n} {v}" for n, v in m["versions"].items()),
             f"medians of {found['rounds']} rounds (fewer for what is slow); load " +
             ", ".join(f"{v:.1f}" for v in found["load"]),
             "times the floor in the same round (and ns, us, ms for a lookup); smaller is better"]
    for size in found["sizes"]:
        names = size["services"]
        rows = [[f"{size['people']:,} accounts", *names]]
        for cell in cells:
            row = size["cells"].get(cell.ident)
            if row:
                rows.append([cell.title] + [shown(n, row.get(n)) for n in names])
        if size["first"]:
            rows += first_rows(size)
        lines += ["", *grid(rows)]
        if "nothing" in size["first"]:
            empty = size["first"]["nothing"]
            lines.append(f"note: an empty module's first lookup, which is glibc's share: {duration(empty['us'] * 1e3)}, "
                         f"{empty['KiB']:.0f} KiB")
        lines += ["note: " + n for n in size["notes"]]
        lines += ["error: " + e for e in size["errors"]]
        aims = targets(size, cells)
        if aims:
            lines += ["", *grid([[f"{size['people']:,} accounts: target", "measured", "at most", ""], *aims])]
    lines += ["", *grid(linear(found))]
    return "\n".join(lines)


def merged(paths):
    """One table of several runs of --json: of sizes, rows and columns that were measured apart."""
    whole = None
    for path in paths:
        with open(path, encoding="ascii") as f:
            found = json.load(f)
        if not whole:
            whole = dict(found, sizes=[], load=[])
        whole["load"] += found["load"]
        for size in found["sizes"]:
            known = next((s for s in whole["sizes"] if s["people"] == size["people"]), None)
            if not known:
                whole["sizes"].append(size)
                continue
            for ident, row in size["cells"].items():
                known["cells"].setdefault(ident, {}).update(row)
            known["first"].update(size["first"])
            known["services"] += [n for n in size["services"] if n not in known["services"]]
            for what in ("notes", "errors"):
                known[what] += [n for n in size[what] if n not in known[what]]
    whole["sizes"].sort(key=lambda s: s["people"])
    for size in whole["sizes"]:
        size["services"].sort(key=COLUMNS.index)
    return whole


if __name__ == "__main__":
    print(text(merged(sys.argv[1:])))
