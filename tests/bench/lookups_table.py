# SPDX-License-Identifier: BSD-2-Clause
"""What was measured, in words: a table for each size, then where rollcall is behind."""
import statistics

# Most that rollcall may take: times the floor in the same round, or ns, at 1k, 100k and 1M accounts.
TIMES_FLOOR = {"getpwnam": (1.3, 1.15, 1.05), "getpwuid": (1.3, 1.15, 1.05),
               "getpwnam-threads": (1.3, 1.4, 1.25), "getpwuid-threads": (1.3, 1.4, 1.25),
               "unknown-name": (1.0, 1.0, 1.0), "unknown-uid": (1.0, 1.0, 1.0)}
NANOSECONDS = {"getgrgid": (180, 400, 1000), "getgrouplist": (120, 400, 800)}
FIRST = {"us": 65, "ours": 9, "KiB": 64}
SIZES = (1000, 100000, 1000000)
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


def behind(size, cells):
    """Where rollcall is over a target, or not ahead of a module."""
    lines = []
    for cell in cells:
        row = size["cells"].get(cell.ident, {})
        ours = row.get("rollcall", {})
        if "ns" not in ours:
            continue
        most = limit(TIMES_FLOOR, cell.ident, size["people"])
        if most and "ratio" in ours and ours["ratio"] > most:
            lines.append(f"{cell.title}: {ours['ratio']:.2f} times the floor, wanted {most}")
        most = limit(NANOSECONDS, cell.ident, size["people"])
        if most and ours["ns"] > most:
            lines.append(f"{cell.title}: {ours['ns']:.0f} ns, wanted {most}")
        for name, found in row.items():
            if name not in NOT_GATED and "ns" in found and found["ns"] <= ours["ns"]:
                lines.append(f"{cell.title}: {duration(ours['ns'])}, {name} {duration(found['ns'])}")
    ours = size["first"].get("rollcall", {})
    for what, most in FIRST.items():
        if ours and ours[what] > most:
            lines.append(f"first lookup: {ours[what]:.0f} {what}, wanted {most}")
    return lines


def text(found, cells):
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
        lines += ["behind: " + b for b in behind(size, cells)] or ["rollcall is behind nowhere"]
    return "\n".join(lines)
