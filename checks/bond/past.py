"""Bonds against what is kept of them: what changed, what was accepted, and those that are gone."""

from __future__ import annotations

from checks.bond import assess, identity
from checks.bond.survey import Bond, Survey, list_bonds, matches
from checks.frame.plugin import Run
from checks.frame.printable import printable
from checks.frame.readings import Fact, Finding, Measure, fact
from perfdata.numbers import duration
from perfdata.outcome import Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series


def _note(seen: Survey) -> str:
    """What an identity is kept as: a disk that was copied to another machine brings no other bond."""
    return f"identity {seen.machine}".strip()


def _forget(history: Series, seen: Survey, item: str) -> None:
    history.forget(item)
    history.keep(item, _note(seen), "")


def with_the_past(
    run: Run, seen: Survey, bond: Bond, item: str, found: list[Finding], details: list[Detail]
) -> list[Finding]:
    """The findings of a bond together with what changed, without what was accepted; keeps what is to be kept."""
    history, settings, clock = run.history, run.settings, run.clock
    if history is None:
        return found
    history.append(item, "links_up", sum(1 for link in bond.text.links if link.up))
    note = _note(seen)
    before = history.note(item, note)
    kept = identity.parse(before)
    if kept is not None and not kept.links and bond.text.links:
        kept = None  # it was accepted without links; with some it is another bond
    now = identity.identity(bond, clock.boot)
    oddities = {assess.key_of(f): f for f in found if isinstance(f, Fact) and f.code in assess.ACCEPTABLE}
    if settings.accept:
        now = now._replace(oddities=tuple(oddities))
        if kept is not None:
            details += [Detail(0, f"bond {item}: {printable(words, 300)}") for words in identity.differences(kept, now)]
        history.keep(item, note, identity.as_note(now))
        known = now.oddities
    else:
        known = kept.oddities if kept else ()
        changed = list(assess.identity_findings(bond, item, kept, now, assess.expected_mac(bond.name, settings)))
        if any(isinstance(f, Fact) and f.code in identity.MAC_CHANGES for f in changed):
            found = [f for f in found if not (isinstance(f, Fact) and f.code in assess.IMPLIED)]
        found = changed + found
        if kept is None:
            details.append(Detail(1, f"bond {item}: what it is now is its baseline from now on"))
        after = identity.as_note(identity.follow(kept, now) if kept else now)
        if bond.text.links and after != before:
            history.keep(item, note, after)
    details += [Detail(1, f"bond {item}: accepted: {printable(key, 200)}") for key in oddities if key in known]
    if assess.NO_LINKS in known and not bond.text.links:
        return []  # as the module's own bond0: nobody uses it
    found = [
        f for f in found if not (isinstance(f, Fact) and f.code in assess.ACCEPTABLE and assess.key_of(f) in known)
    ]
    return found + list(assess.flicker_findings(bond, item, settings, clock, history))


def missing(run: Run, seen: Survey, items: dict[str, str]) -> list[Finding]:
    """Bonds that were there once, or were named, and are not, or have no links left."""
    findings: list[Finding] = []
    history, settings = run.history, run.settings
    known = history.seen() if history is not None else {}
    gone = []
    if history is not None:
        for bond in seen.bonds:
            if bond.text.links:
                history.see(items[bond.name], seen.machine, known.get(items[bond.name]))
        gone = _gone(run, seen, set(items.values()))
    empty = {items[name]: name for name in seen.empty}
    for item, name in empty.items():
        if item in known and settings.accept and history is not None:
            _forget(history, seen, item)
        elif item in known or name in settings.bond:
            findings += [Measure(item, "links_up", 0, 0, 0), fact(item, assess.NO_LINKS)]
    for item in gone:
        if settings.accept and history is not None:
            _forget(history, seen, item)
        else:
            ago = duration(max(0.0, run.clock.time - known[item].time))
            findings.append(fact(item, assess.GONE, ago=ago))
    return findings + [fact(printable(name), assess.ABSENT) for name in seen.absent if printable(name) not in gone]


def _gone(run: Run, seen: Survey, present: set[str]) -> list[str]:
    """Known bonds of this machine that are not there on a second look either."""
    if run.history is None:
        return []
    known = run.history.seen()
    unseen = [item for item in sorted(known) if item not in present and matches(item, run.settings)]
    here = {printable(name) for name in list_bonds(run.host)} if unseen else set()
    gone = []
    for item in unseen:
        if "" not in (known[item].origin, seen.machine) and known[item].origin != seen.machine:
            run.history.forget(item)  # of the machine that this disk was copied from
        elif item not in here:
            gone.append(item)
    return gone
