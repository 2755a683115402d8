"""The same figures for Prometheus: sums without names, so that anybody may look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from arborlink import __version__
from arborlink.hub.live.connections import KindTotals
from arborlink.hub.live.durations import Durations
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.service.retention import CAUSES


def register_collectors(hub: HubPorts, registry: CollectorRegistry) -> None:
    """Let `registry` tell of this hub and its process."""
    registry.register(HubCollector(hub))
    ProcessCollector(registry=registry)


class HubCollector(Collector):
    """Looks when it is asked, so that nothing has to be counted along the way."""

    def __init__(self, hub: HubPorts) -> None:
        self._hub = hub

    def collect(self) -> Iterable[Metric]:
        """Everything, of one moment."""
        yield _by("version", "arbor_build", {__version__: 1}, "Version of this hub.")
        yield from self._work()
        yield from self._storage()
        totals = self._hub.figures.gauges.connections.totals()
        yield from _connections(totals)
        yield from _moved(totals)

    def _work(self) -> Iterable[Metric]:
        gauges = self._hub.figures.gauges
        workspaces = self._hub.store.count_workspaces()
        connected = len(tuple(gauges.connections.presence.sessions()))
        states = {"connected": connected, "disconnected": workspaces - connected}
        yield _by("state", "arbor_workspaces", states, "Workspaces by connection.")
        counts = self._hub.store.task_counts()
        tasks = {"dispatched": counts.dispatched, "queued": counts.queued}
        yield _by("state", "arbor_unfinished_tasks", tasks, "Tasks that are not over.")
        lag = self._hub.figures.sampler.loop_lag
        yield _histogram("arbor_loop_lag_seconds", lag, "How late the event loop was.")
        reconnects = gauges.connections.presence.all_reconnects()
        yield CounterMetricFamily(
            "arbor_daemon_reconnects", "Daemons that came back.", value=reconnects
        )

    def _storage(self) -> Iterable[Metric]:
        gauges = self._hub.figures.gauges
        rounds = gauges.flusher.rounds
        yield _histogram("arbor_fsync_seconds", rounds, "Rounds that made output durable.")
        yield GaugeMetricFamily(
            "arbor_fsync_under_way_seconds",
            "How long the present round has taken so far.",
            value=gauges.flusher.under_way() or 0,
        )
        yield GaugeMetricFamily(
            "arbor_commit_queue",
            "Writes that wait for the database.",
            value=gauges.store.writes_waiting(),
        )
        yield GaugeMetricFamily(
            "arbor_unflushed_bytes",
            "Output that was received and is not durable yet.",
            value=gauges.outputs.unflushed_bytes(),
        )
        removals = self._hub.figures.removals
        tasks = ("arbor_removed_tasks", removals.tasks, "Tasks that retention removed.")
        freed = ("arbor_removed_bytes", removals.bytes, "What that gave back.")
        for name, by_cause, text in (tasks, freed):
            family = CounterMetricFamily(name, text, labels=["cause"])
            for cause in CAUSES:
                family.add_metric([cause], by_cause[cause])
            yield family


Totals = Mapping[str, KindTotals]


def _connections(totals: Totals) -> Iterable[Metric]:
    def gauge(name: str, values: Mapping[str, float], text: str) -> Metric:
        return _by("kind", name, values, text)

    each = totals.items()
    live = {kind: total.connections for kind, total in each}
    yield gauge("arbor_connections", live, "Live WebSocket connections.")
    waiting = {kind: total.unacknowledged_bytes for kind, total in each}
    yield gauge("arbor_unacknowledged_bytes", waiting, "Output sent and not confirmed yet.")
    lag = {kind: total.lag_bytes for kind, total in each}
    yield gauge("arbor_lag_bytes", lag, "Output that is there and was not sent yet.")
    flows = {kind: total.subscriptions for kind, total in each}
    yield gauge("arbor_subscriptions", flows, "Outputs and workspaces that are followed or sent.")
    longest = {
        kind: total.longest_round_trip
        for kind, total in each
        if total.longest_round_trip is not None
    }
    yield gauge("arbor_longest_round_trip_seconds", longest, "Of all live connections.")


def _moved(totals: Totals) -> Iterable[Metric]:
    traffic = {kind: total.traffic for kind, total in totals.items()}
    columns = {
        "arbor_received_bytes": {kind: each.bytes_in for kind, each in traffic.items()},
        "arbor_sent_bytes": {kind: each.bytes_out for kind, each in traffic.items()},
        "arbor_received_messages": {kind: each.messages_in for kind, each in traffic.items()},
        "arbor_sent_messages": {kind: each.messages_out for kind, each in traffic.items()},
    }
    for name, values in columns.items():
        text = f"WebSocket {name.rpartition('_')[2]}, as the hub sees them."
        family = CounterMetricFamily(name, text, labels=["kind"])
        for kind, number in values.items():
            family.add_metric([kind], number)
        yield family


def _by(label: str, name: str, values: Mapping[str, float], text: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _histogram(name: str, durations: Durations, text: str) -> Metric:
    return HistogramMetricFamily(
        name, text, buckets=durations.buckets(), sum_value=durations.total_seconds
    )
