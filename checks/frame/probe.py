"""The part that nagiosplugin plays: Probe acquires, the contexts judge, ItemSummary words, ``conclude`` collects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace

from checks.frame.judging import (
    NEVER,
    STATES,
    Check,
    Context,
    Metric,
    Resource,
    Result,
    Results,
    ScalarContext,
    Summary,
)
from checks.frame.options import Option
from checks.frame.plugin import COMMON_FACTS, UNREADABLE, Examination, Judged, Plugin, Run, option_name
from checks.frame.printable import one_line, printable
from checks.frame.ranges import parse_range, range_text
from checks.frame.readings import Fact, FactRule, Finding, Measure
from perfdata.catalogue import CATALOGUE
from perfdata.nagios import LINE_TEXT_MAX
from perfdata.outcome import BY_SEVERITY, OK, STATE_WORDS, UNKNOWN, Detail, Item, Outcome, Said, Value, worst

_FACT = "fact"  # the context of all facts
_NEXT_STEPS_MAX = 4
_NEXT_STEP_MAX = 400  # characters
_WORDS_MAX = 120  # characters of a fact's parameter


class Probe(Resource):
    """One run of a check as nagiosplugin's Resource: everything was read, and is yielded afterwards."""

    def __init__(self, plugin: Plugin, examination: Examination) -> None:
        self.plugin = plugin
        self.examination = examination

    @property
    def name(self) -> str:
        """The check's name."""
        return self.plugin.name

    def probe(self) -> Iterator[Metric]:
        """One metric per measure and fact; the important measures of all items first: performance data can be cut."""
        for finding in sorted(self.examination.findings, key=self._order()):
            if isinstance(finding, Fact):
                yield Metric(finding.code, finding, context=_FACT)
            else:
                name = f"{finding.item} {finding.name}" if finding.item else finding.name
                yield Metric(name, finding, context=finding.name)

    def _order(self) -> Callable[[Finding], int]:
        """The main measure first, then what stands beside the items if that is little, then the rest by importance."""
        plugin = self.plugin
        rank = {measure: place for place, measure in enumerate(plugin.levels, 1)}
        measures = [f for f in self.examination.findings if isinstance(f, Measure)]
        items = {f.item for f in measures if f.name == plugin.main_measure}
        beside = 0 if sum(1 for f in measures if f.item not in items) <= 2 * len(items) else len(rank) + 1

        def order(finding: Finding) -> int:
            if isinstance(finding, Fact):
                return len(rank) + 2
            if finding.name == plugin.main_measure:
                return -1
            return rank.get(finding.name, len(rank) + 1) if finding.item in items else beside

        return order


class LevelContext(ScalarContext):
    """Judges the number of a measure by its two ranges."""

    def evaluate(self, metric: Metric, resource: Resource) -> Result:
        """See nagiosplugin.ScalarContext."""
        return super().evaluate(metric.replace(value=metric.value.value), resource)._replace(metric=metric)

    def performance(self, metric: Metric, resource: Resource) -> None:
        """Nothing: performance data is the renderers' work, and nagiosplugin refuses some names of this world."""


class FactContext(Context):
    """Judges a fact by its row in the check's table."""

    def __init__(self, rules: Mapping[str, FactRule]) -> None:
        super().__init__(_FACT)
        self._rules = rules

    def evaluate(self, metric: Metric, resource: Resource) -> Result:
        """See nagiosplugin.Context; the hint carries the words."""
        fact: Fact = metric.value
        rule = self._rules[fact.code]
        return Result(STATES[rule.state], _filled(rule.words, fact), metric)

    def next_step(self, fact: Fact) -> str:
        """What to do about it; "" when there is nothing."""
        return _filled(self._rules[fact.code].next_step, fact)


class ItemSummary(Summary):
    """The worst item first, in the check's own words, then how many are fine. For the results of one run."""

    def __init__(self, probe: Probe, facts: FactContext) -> None:
        self._probe = probe
        self._facts = facts
        self._rows: list[tuple[str, int, list[Judged]]] = []
        self._sentences: dict[str, str] = {}  # by item

    def by_item(self, results: Results) -> list[tuple[str, int, list[Judged]]]:
        """(title, state, findings) of each item: worst state first, then by the check's urgency, then by name."""
        if not self._rows:
            self._rows = self._sorted(results)
        return self._rows

    def _sorted(self, results: Results) -> list[tuple[str, int, list[Judged]]]:
        items: dict[str, list[Judged]] = {}
        for result in results.results:
            finding = _finding(result)
            next_step = self._facts.next_step(finding) if isinstance(finding, Fact) else ""
            judged = Judged(int(result.state), finding, result.hint or "", next_step)
            items.setdefault(finding.item, []).append(judged)
        plugin = self._probe.plugin
        titles = self._probe.examination.titles
        rows = [(titles.get(item, item), worst([j.state for j in found]), found) for item, found in items.items()]
        return sorted(rows, key=lambda row: (BY_SEVERITY.index(row[1]), -plugin.urgency(row[2]), row[0]))

    def _sentence(self, title: str, found: list[Judged]) -> str:
        """The check's words for an item, made once."""
        item = found[0].finding.item
        if item not in self._sentences:
            self._sentences[item] = self._probe.plugin.sentence(title, found)
        return self._sentences[item]

    def ok(self, results: Results) -> str:
        """Line 1 when all is fine."""
        plugin = self._probe.plugin
        rows = self.by_item(results)
        counted = [row for row in rows if plugin.is_told(row[2])] or rows
        return plugin.all_fine([self._sentence(title, found) for title, _, found in counted])

    def problem(self, results: Results) -> str:
        """Line 1 when something is not."""
        plugin = self._probe.plugin
        rows = self.by_item(results)
        bad = [self._sentence(title, found) for title, state, found in rows if state != OK]
        fine = sum(1 for _, state, found in rows if state == OK and plugin.is_main(found))
        room = LINE_TEXT_MAX - len(f"{plugin.name} CRITICAL - ")
        return fitting(bad, f"; {fine} ok" if fine and plugin.counts_fine else "", room)

    def verbose(self, results: Results) -> list[str]:
        """One line per item with its state; what stands beside the items (the host, a daemon) only when not OK."""
        plugin = self._probe.plugin
        return [
            f"{STATE_WORDS[state]}: {self._sentence(title, found)}"
            for title, state, found in self.by_item(results)
            if state != OK or plugin.is_told(found)
        ]

    def items(self, results: Results) -> tuple[Item, ...]:
        """Each item with its part of the verdict."""
        plugin = self._probe.plugin
        return tuple(
            Item(
                found[0].finding.item,
                title,
                state,
                self._sentence(title, found),
                plugin.is_lasting(found),
                tuple(
                    Said(j.state, j.finding.code, j.words, j.next_step) for j in found if isinstance(j.finding, Fact)
                ),
            )
            for title, state, found in self.by_item(results)
        )

    def next_steps(self, results: Results) -> list[str]:
        """What to do, without repetitions, for the worst items first."""
        bad = [j for _, _, found in self.by_item(results) for j in found if j.state != OK and j.next_step]
        steps = [j.next_step for j in sorted(bad, key=lambda j: BY_SEVERITY.index(j.state))]
        return list(dict.fromkeys(steps))[:_NEXT_STEPS_MAX]


def _filled(template: str, fact: Fact) -> str:
    """Words of a fact; what its parameters bring from outside is made printable, but for our own next step."""
    parameters = {
        name: printable(value, _WORDS_MAX) if isinstance(value, str) and name != "next_step" else value
        for name, value in fact.parameters
    }
    return one_line(template.format(item=fact.item, **parameters), _NEXT_STEP_MAX)


def _finding(result: Result) -> Finding:
    """What a result is about; every one of ours has its metric, and that its finding."""
    finding: Finding = result.metric.value if result.metric else Fact("", UNREADABLE)
    return finding


def fitting(sentences: list[str], tail: str = "", limit: int = 125) -> str:
    """As many sentences as fit, and how many more there are; the first one is always there."""
    text = sentences[0]
    for number, sentence in enumerate(sentences[1:], 1):
        last = number == len(sentences) - 1
        more = 0 if last else len(f" and {len(sentences)} more")
        if len(text) + len(sentence) + 2 + more + len(tail) > limit:
            return f"{text} and {len(sentences) - number} more{tail}"
        text += f"; {sentence}"
    return text + tail


def threshold_options(plugin: Plugin) -> list[Option]:
    """Two options per judged measure; those of the main one are also -w and -c."""
    options = []
    for measure, levels in plugin.levels.items():
        kind = CATALOGUE[measure]
        for level, default in (("warning", levels.warning), ("critical", levels.critical)):
            flags: tuple[str, ...] = (f"--{option_name(measure)}-{level}",)
            if measure == plugin.main_measure:
                flags = (f"-{level[0]}", f"--{level}")
            why = f" {levels.why}" if levels.why and level == "warning" else ""
            options.append(
                Option(
                    flags,
                    f"{kind.title}{f' in {kind.unit}' if kind.unit else ''}: {level} outside this range"
                    f" (default {default or 'none'}).{why}",
                    "RANGE",
                    lambda text, unit=kind.unit: parse_range(text, unit),  # type: ignore[misc]
                    parse_range(default, kind.unit) if default else NEVER,
                    group="thresholds",
                )
            )
    return options


def _level_context(plugin: Plugin, settings: SimpleNamespace, measure: str) -> LevelContext:
    """The levels of a measure that is in the catalogue; those of one without levels never alert."""
    warning = critical = NEVER
    if measure in plugin.levels:
        prefix = "" if measure == plugin.main_measure else option_name(measure).replace("-", "_") + "_"
        warning, critical = (getattr(settings, f"{prefix}{level}") for level in ("warning", "critical"))
    return LevelContext(CATALOGUE[measure].name, warning, critical)


def conclude(plugin: Plugin, run: Run) -> Outcome:
    """Acquire, judge and word. Raises NothingHere, and whatever the check could not foresee."""
    probe = Probe(plugin, plugin.examine(run))
    measures = {found.name for found in probe.examination.findings if isinstance(found, Measure)}
    contexts = [_level_context(plugin, run.settings, measure) for measure in measures]
    facts = FactContext({**COMMON_FACTS, **plugin.facts})
    summary = ItemSummary(probe, facts)
    check = Check(probe, facts, summary, *contexts)
    check()
    results = check.results
    if not results:
        return Outcome(plugin.name, UNKNOWN, "nothing was measured")
    state = worst([int(result.state) for result in results.results])
    text = summary.ok(results) if state == OK else summary.problem(results)
    details = [Detail(0, f"next: {step}") for step in summary.next_steps(results)]
    details += [Detail(1, line) for line in summary.verbose(results)]
    details += probe.examination.details
    ranges = {context.name: (range_text(context.warning), range_text(context.critical)) for context in contexts}
    values = tuple(
        Value(found.item, found.name, found.value, *ranges[found.name], found.minimum, found.maximum)
        for found in map(_finding, results.results)
        if isinstance(found, Measure)
    )
    return Outcome(plugin.name, state, text, tuple(details), values, items=summary.items(results))
