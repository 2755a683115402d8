"""Every limit, what it is by default, and the tests that prove it: below it, at it and above it.

A proof is `file::test` below `tests/`. A limit that is not here fails `test_every_limit`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.protocol.limits import GIB, KIB, MIB


class Limit(NamedTuple):
    """`default`: as the contract has it, or the reference where the contract is silent."""

    default: float | None
    proofs: tuple[str, ...]


MESSAGES: Final = "hub/limits/test_messages.py::test_"
STRANGERS: Final = "hub/limits/test_strangers.py::test_"
BUDGETS: Final = "hub/limits/test_budgets.py::test_"
STORAGE: Final = "hub/limits/test_storage.py::test_"
VIEWERS: Final = "hub/limits/test_viewers.py::test_"
REQUESTS: Final = "hub/limits/test_requests.py::test_"
FRONT_HTTP: Final = "hub/front/test_http.py::test_"
HANDSHAKE: Final = "hub/live/test_handshake.py::test_"
FORGETTING: Final = "hub/service/test_forgetting.py::test_"
NEIGHBOURS: Final = "hub/service/test_neighbours.py::test_"
HEADS: Final = "hub/store/test_task_heads.py::test_"
LONG_COMMANDS: Final = "hub/live/test_long_commands.py::test_"
CONFIRMATIONS: Final = "hub/access/test_confirmations.py::test_"
WORKSPACES: Final = "hub/limits/test_workspaces.py::test_"
DISPATCH: Final = "hub/live/test_dispatch.py::test_"
HEARTBEAT: Final = "protocol/test_heartbeat.py::test_"
LIVENESS: Final = "hub/live/test_liveness.py::test_"
LIVE_VIEWERS: Final = "hub/live/test_viewers.py::test_"
FRONT_SOCKET: Final = "hub/front/test_websocket.py::test_"
SHARES: Final = "hub/limits/test_shares.py::test_"
BESIEGED: Final = "hub/limits/test_besieged.py::test_"
DESCRIPTORS: Final = "e2e/test_descriptors.py::test_"
FIELD: Final = "hub/limits/test_fields.py::test_a_field_is_taken_up_to_its_bound"

_ANNOUNCED: Final = HEARTBEAT + "what_a_hub_announces_is_obeyed_within_bounds"
_SETTABLE: Final = LIVENESS + "what_would_find_living_peers_dead_is_refused"
_IN_TIME: Final = STRANGERS + "who_is_slow_but_in_time_is_served"
_CONNECTION_RATES: Final = BUDGETS + "the_rates_of_a_connection_are_what_the_settings_say"
_BUDGET: Final = BUDGETS + "a_budget_is_what_its_settings_say"
_CREDIT: Final = MESSAGES + "output_up_to_the_credit_is_taken_and_not_a_byte_more"

# Settings of the hub.
HUB: Final[dict[str, Limit]] = {
    "control_message_bytes": Limit(
        1 * MIB, (MESSAGES + "a_message_at_the_limit_is_read_and_one_above_it_ends_the_connection",)
    ),
    "output_frame_bytes": Limit(
        256 * KIB,
        (
            MESSAGES + "an_output_at_the_limit_is_taken_and_one_above_it_ends_the_connection",
            "daemon/test_uplink.py::test_an_output_is_no_larger_than_the_hub_takes",
        ),
    ),
    "request_body_bytes": Limit(
        1 * MIB, (REQUESTS + "a_body_at_the_limit_is_read_and_one_above_it_is_not",)
    ),
    "public_request_body_bytes": Limit(
        64 * KIB,
        (
            STRANGERS + "a_body_without_a_credential_is_as_large_as_it_is_set",
            FRONT_HTTP + "a_body_above_the_limit_is_refused_before_it_is_sent",
            FRONT_HTTP + "a_body_in_chunks_is_refused_where_it_passes_the_limit",
        ),
    ),
    "request_body_seconds": Limit(
        20, (_IN_TIME, FRONT_HTTP + "a_body_that_does_not_come_to_its_end_is_refused")
    ),
    "request_head_bytes": Limit(
        8 * KIB,
        (
            STRANGERS + "a_head_is_as_large_as_it_is_set",
            FRONT_HTTP + "a_head_at_the_limit_is_served_and_one_above_it_refused",
            FRONT_HTTP + "a_head_without_an_end_is_refused_before_it_ends",
        ),
    ),
    "request_head_seconds": Limit(
        5,
        (
            _IN_TIME,
            FRONT_HTTP + "a_head_that_does_not_come_to_its_end_is_waited_for_only_so_long",
            FRONT_HTTP + "a_byte_now_and_then_does_not_make_the_time_longer",
        ),
    ),
    "response_stall_seconds": Limit(
        60,
        (
            STRANGERS + "who_reads_an_answer_late_but_in_time_gets_all_of_it",
            FRONT_HTTP + "a_peer_that_does_not_read_its_answer_loses_the_connection",
        ),
    ),
    "http_connections": Limit(
        2_048, (STRANGERS + "http_connections_in_all_are_as_many_as_there_may_be",)
    ),
    "http_connections_per_address": Limit(
        256,
        (FRONT_HTTP + "connections_with_a_request_in_progress_are_never_closed_for_others",),
    ),
    "authentication_seconds": Limit(
        5,
        (
            _IN_TIME,
            "protocol/test_link.py::test_who_does_not_get_through_in_time_is_closed",
            HANDSHAKE + "silence_is_ended_after_the_time_to_authenticate",
        ),
    ),
    "heartbeat_seconds": Limit(
        5,
        (
            HEARTBEAT + "a_probe_goes_out_every_interval",
            HEARTBEAT + "nothing_goes_out_before_it_is_due",
            "daemon/test_uplink.py::test_heartbeats_are_as_the_hub_announces_them",
        ),
    ),
    "silence_seconds": Limit(
        15,
        (
            HEARTBEAT + "a_silent_peer_is_dead_within_the_silence_whenever_it_fell_silent",
            LIVENESS + "peers_that_answer_nothing_are_given_up_after_the_silence_that_is_set",
            LIVENESS + "peers_that_answer_are_kept_for_many_silences",
        ),
    ),
    "unauthenticated_connections": Limit(
        64,
        (
            STRANGERS + "unknown_connections_are_as_many_as_there_may_be",
            HANDSHAKE + "unauthenticated_connections_are_bounded_and_make_room_again",
        ),
    ),
    "unauthenticated_connections_per_address": Limit(
        8,
        (
            STRANGERS + "unknown_connections_are_as_many_as_there_may_be",
            FRONT_SOCKET + "unknown_connections_from_one_address_are_few",
        ),
    ),
    "unauthenticated_bytes": Limit(
        2 * MIB,
        (
            STRANGERS + "first_messages_share_as_much_memory_as_there_is_to_the_byte",
            FRONT_SOCKET + "large_first_messages_share_what_memory_there_is",
        ),
    ),
    "message_fragments": Limit(
        1_024,
        (
            MESSAGES + "a_message_in_as_many_fragments_as_there_may_be",
            FRONT_SOCKET + "a_message_may_come_in_so_many_fragments_and_in_no_more",
        ),
    ),
    "pings_per_second": Limit(10, (_CONNECTION_RATES,)),
    "pings_burst": Limit(
        50,
        (
            _CONNECTION_RATES,
            MESSAGES + "as_many_pings_as_there_may_be_are_answered",
            FRONT_SOCKET + "pings_are_answered_until_there_are_too_many",
        ),
    ),
    "viewer_idle_seconds": Limit(
        600,
        (
            VIEWERS + "a_viewer_that_wants_nothing_is_sent_away",
            VIEWERS + "whoever_types_is_not_idle",
            VIEWERS + "neither_beats_nor_acknowledgements_keep_a_viewer",
            VIEWERS + "an_idle_viewer_goes_and_the_task_that_it_started_stays",
        ),
    ),
    "terminal_screens": Limit(
        64,
        (
            "hub/screen/test_keeper.py::test_of_more_models_than_there_may_be_the_one_not_used_goes",
            "hub/terminals/test_screens.py::test_a_hub_that_keeps_no_screens_sends_the_output",
        ),
    ),
    "subscriptions_per_connection": Limit(
        64,
        (
            MESSAGES + "as_many_subscriptions_as_there_may_be",
            LIVE_VIEWERS + "subscriptions_are_limited_and_make_room_again",
        ),
    ),
    "subscription_window_bytes": Limit(
        256 * KIB,
        (
            MESSAGES + "windows_are_as_they_are_set",
            LIVE_VIEWERS + "never_more_than_the_window_is_unacknowledged",
        ),
    ),
    "subscription_window_max_bytes": Limit(
        16 * MIB, (MESSAGES + "windows_are_as_they_are_set", FIELD)
    ),
    "task_unacknowledged_bytes": Limit(4 * MIB, (_CREDIT,)),
    "daemon_unacknowledged_bytes": Limit(16 * MIB, (_CREDIT,)),
    "requests_per_second": Limit(50, (_BUDGET,)),
    "requests_burst": Limit(200, (_BUDGET, REQUESTS + "a_token_has_its_burst_and_then_waits")),
    "user_requests_per_second": Limit(100, (_BUDGET,)),
    "user_requests_burst": Limit(
        400,
        (
            _BUDGET,
            SHARES + "six_tokens_of_a_user_share_one_rate_and_the_browser_has_its_own",
            SHARES + "tokens_that_ask_too_often_leave_the_persons_browser_alone",
        ),
    ),
    "requests_in_progress_per_token": Limit(
        64, (SHARES + "a_token_and_a_user_have_so_many_requests_in_progress",)
    ),
    "requests_in_progress_per_user": Limit(
        128, (SHARES + "a_token_and_a_user_have_so_many_requests_in_progress",)
    ),
    "downloads_per_user": Limit(32, (SHARES + "a_user_has_so_many_downloads_at_a_time",)),
    "address_requests_per_second": Limit(50, (_BUDGET,)),
    "address_requests_burst": Limit(
        200,
        (
            _BUDGET,
            REQUESTS + "an_address_without_a_credential_has_its_burst_and_a_token_is_unharmed",
            REQUESTS + "handshakes_of_an_address_are_counted_too",
            BESIEGED + "a_networks_addresses_together_ask_only_so_often",
            BESIEGED + "a_handshake_for_no_websocket_is_counted_by_address",
        ),
    ),
    "address_proofs_per_second": Limit(200, (_BUDGET,)),
    "address_proofs_burst": Limit(
        2_000, (_BUDGET, REQUESTS + "questions_who_the_hub_is_have_a_budget_of_their_own")
    ),
    "viewer_requests_per_second": Limit(100, (_CONNECTION_RATES,)),
    "viewer_requests_burst": Limit(
        400,
        (
            _CONNECTION_RATES,
            VIEWERS + "demands_are_counted_and_everything_else_is_only_paced",
            VIEWERS + "asking_too_often_is_refused_by_name_and_going_on_ends_it",
        ),
    ),
    "viewer_messages_per_second": Limit(
        5_000,
        (_CONNECTION_RATES, VIEWERS + "too_many_messages_make_the_line_slow_and_lose_nothing"),
    ),
    "viewer_messages_burst": Limit(10_000, (_CONNECTION_RATES,)),
    "user_viewer_requests_per_second": Limit(400, (_BUDGET,)),
    "user_viewer_requests_burst": Limit(
        1_600, (_BUDGET, SHARES + "a_users_connections_share_one_rate")
    ),
    "user_viewer_messages_per_second": Limit(10_000, (_BUDGET,)),
    "user_viewer_messages_burst": Limit(20_000, (_BUDGET,)),
    "connections_per_token": Limit(
        256,
        (
            SHARES + "a_token_and_a_user_have_so_many_connections",
            DESCRIPTORS + "one_read_only_token_leaves_room_for_a_daemon_and_the_owner",
        ),
    ),
    "connections_per_user": Limit(
        512,
        (
            SHARES + "a_token_and_a_user_have_so_many_connections",
            DESCRIPTORS + "one_read_only_token_leaves_room_for_a_daemon_and_the_owner",
        ),
    ),
    "subscriptions_per_user": Limit(
        1_024, (SHARES + "a_user_follows_so_many_outputs_over_all_connections",)
    ),
    "failed_authentications_per_minute": Limit(
        10,
        (
            _BUDGET,
            REQUESTS + "wrong_tokens_are_counted_by_address_over_http_and_websocket_alike",
            "hub/routes/test_sessions.py::test_guesses_are_limited_by_address",
            BESIEGED + "a_worthless_token_is_a_failed_attempt_at_every_address",
            BESIEGED + "worthless_links_and_codes_are_failed_attempts_of_the_whole_site",
            BESIEGED + "guesses_at_an_account_from_everywhere_never_lock_it",
        ),
    ),
    "strangers_guesses_per_minute": Limit(
        600,
        (
            _BUDGET,
            BESIEGED + "codes_for_daemons_are_guessed_only_so_often_by_all_strangers_together",
        ),
    ),
    "daemons_per_user": Limit(
        1_024, (SHARES + "a_member_has_so_many_daemons_and_the_owner_any_number",)
    ),
    "sessions_per_user": Limit(
        64, (SHARES + "beyond_so_many_browsers_the_longest_unused_is_signed_out",)
    ),
    "sign_in_links_per_user": Limit(16, (SHARES + "beyond_so_many_links_the_oldest_is_void",)),
    "enrollment_codes_per_user": Limit(64, (SHARES + "an_account_has_so_many_codes_for_daemons",)),
    "tickets_per_user": Limit(
        128, (SHARES + "a_user_has_so_many_tickets_and_a_token_a_quarter_of_them",)
    ),
    "idempotency_keys_per_user": Limit(
        20_000, (SHARES + "a_day_has_so_many_idempotency_keys_of_an_account",)
    ),
    "queued_tasks_per_user": Limit(
        1_024, (SHARES + "as_many_tasks_of_a_user_wait_as_may_in_all_workspaces",)
    ),
    "confirmation_seconds": Limit(
        3_600, (CONFIRMATIONS + "what_makes_a_credential_needs_a_proof_of_the_last_hour",)
    ),
    "session_lifetime_seconds": Limit(
        90 * 86_400, (CONFIRMATIONS + "no_use_keeps_a_session_beyond_its_lifetime",)
    ),
    "workspaces_per_user": Limit(
        4_096, (WORKSPACES + "an_account_has_as_many_workspaces_as_there_may_be",)
    ),
    "tokens_per_user": Limit(
        1_000, (WORKSPACES + "an_account_has_as_many_tokens_as_there_may_be",)
    ),
    "task_command_bytes": Limit(
        128 * KIB,
        (LONG_COMMANDS + "a_command_at_its_limit_is_taken_and_one_above_it_refused_by_name",),
    ),
    "running_tasks_per_workspace": Limit(
        16,
        (
            "hub/limits/test_workspaces.py::test_a_workspace_runs_sixteen_tasks_and_lets_256_wait",
            DISPATCH + "waiting_tasks_are_handed_over_oldest_first_up_to_the_running_limit",
        ),
    ),
    "queued_tasks_per_workspace": Limit(
        256,
        (
            "hub/limits/test_workspaces.py::test_a_workspace_runs_sixteen_tasks_and_lets_256_wait",
            DISPATCH + "concurrent_creates_keep_to_both_limits",
        ),
    ),
    "unfinished_tasks_per_user": Limit(
        8_192, (WORKSPACES + "an_account_has_so_many_unfinished_tasks_in_all_workspaces",)
    ),
    "task_variables_seconds": Limit(
        3_600,
        (
            FORGETTING + "values_are_kept_for_as_long_as_it_is_set_and_no_longer",
            STORAGE + "the_hub_itself_keeps_to_what_is_set",
        ),
    ),
    "stored_output_bytes_per_task": Limit(
        1 * GIB,
        (STORAGE + "an_output_at_its_limit_is_whole_and_one_above_it_loses_its_middle",),
    ),
    "retention_seconds": Limit(
        30 * 86_400,
        (
            STORAGE + "a_task_is_kept_for_as_long_as_it_is_set_and_no_longer",
            STORAGE + "the_hub_itself_keeps_to_what_is_set",
        ),
    ),
    "retention_bytes": Limit(
        20 * GIB,
        (
            STORAGE + "all_output_may_take_as_much_as_it_is_set_to_and_not_a_byte_more",
            STORAGE + "the_hub_itself_keeps_to_what_is_set",
        ),
    ),
    "retention_bytes_per_user": Limit(
        20 * GIB,
        (
            NEIGHBOURS + "an_account_and_a_workspace_have_a_limit_of_their_own",
            STORAGE + "the_hub_itself_keeps_to_what_is_set",
        ),
    ),
    "retention_bytes_per_workspace": Limit(
        20 * GIB,
        (
            NEIGHBOURS + "an_account_and_a_workspace_have_a_limit_of_their_own",
            STORAGE + "the_hub_itself_keeps_to_what_is_set",
        ),
    ),
    "min_free_disk_bytes": Limit(
        64 * MIB,
        (
            STORAGE + "a_disk_is_low_below_the_reserve_and_not_at_it",
            "hub/live/test_reserve.py::test_new_tasks_are_refused_by_name_until_there_is_room",
        ),
    ),
    "reconnect_grace_seconds": Limit(
        10,
        (
            "hub/live/test_returning.py::test_a_daemon_that_does_not_come_back_is_waited_for_once",
            "hub/live/test_returning.py::test_a_grace_of_nothing_is_none",
        ),
    ),
}

# Settings of a daemon: its policy.
DAEMON: Final[dict[str, Limit]] = {
    "max_running_tasks": Limit(
        64, ("daemon/test_waiting.py::test_tasks_run_in_the_order_in_which_they_came",)
    ),
    "max_run_seconds": Limit(None, ("daemon/test_policy.py::test_a_daemon_obeys_its_policy",)),
    "spool_bytes_per_task": Limit(
        64 * MIB,
        (
            "daemon/test_spooling.py::test_block_waits_and_loses_nothing",
            "daemon/test_spooling.py::test_drop_middle_leaves_an_exact_gap",
            "daemon/test_spooling.py::test_kill_ends_the_task",
        ),
    ),
    "spool_bytes": Limit(
        1 * GIB,
        (
            "daemon/test_budget.py::test_all_spools_share_it",
            "daemon/test_spooling.py::test_all_spools_together_keep_to_the_budget",
        ),
    ),
    "spool_min_free_bytes": Limit(
        512 * MIB, ("daemon/test_budget.py::test_the_disk_counts_as_well",)
    ),
}

# What the protocol itself allows: of these there is nothing to set.
WIRE: Final[dict[str, Limit]] = {
    "FRAME_ENVELOPE_BYTES": Limit(
        4 * KIB,
        ("protocol/test_codec.py::test_the_largest_output_frame_passes_and_a_larger_one_does_not",),
    ),
    "INPUT_FRAME_BYTES": Limit(
        64 * KIB,
        (FIELD, "protocol/test_codec.py::test_input_is_bounded_by_its_bytes_not_by_its_base64"),
    ),
    "INPUT_WINDOW_BYTES": Limit(
        1 * MIB,
        ("hub/live/test_input.py::test_a_full_window_takes_no_more_until_something_was_read",),
    ),
    "WELCOME_SECONDS": Limit(
        10, ("protocol/test_link.py::test_who_does_not_get_through_in_time_is_closed",)
    ),
    "HEARTBEAT_MIN_SECONDS": Limit(0.1, (_ANNOUNCED, _SETTABLE)),
    "HEARTBEAT_MAX_SECONDS": Limit(60, (_ANNOUNCED, _SETTABLE)),
    "SILENCE_MIN_SECONDS": Limit(0.5, (_ANNOUNCED,)),
    "SILENCE_MAX_SECONDS": Limit(600, (_ANNOUNCED, _SETTABLE)),
    "SILENCE_MIN_HEARTBEATS": Limit(2, (_ANNOUNCED, _SETTABLE)),
    "SUBSCRIPTION_WINDOW_MIN_BYTES": Limit(32 * KIB, (FIELD,)),
    "SUBSCRIPTION_BUFFER_BYTES": Limit(
        256 * KIB,
        (LIVE_VIEWERS + "a_stalled_viewer_neither_slows_another_nor_fills_the_hub",),
    ),
    "MAX_OFFSET": Limit(2**63 - 1, (FIELD,)),
    "MAX_UNIX_MICROSECONDS": Limit(253_402_300_799_000_000, (FIELD,)),
    "MAX_SIGNAL": Limit(255, (FIELD,)),
    "TASK_HEAD_BYTES": Limit(
        1 * KIB,
        (
            HEADS + "a_command_at_the_size_of_a_head_is_whole_and_one_above_it_is_cut",
            HEADS + "a_row_has_a_bounded_beginning_and_says_so",
        ),
    ),
    "MAX_ARGUMENTS": Limit(10_000, (FIELD,)),
    "MAX_ARGUMENT_BYTES": Limit(128 * KIB, (FIELD,)),
    "MAX_ENVIRONMENT_VARIABLES": Limit(1_000, (FIELD,)),
    "MAX_ENVIRONMENT_NAME_CHARS": Limit(256, (FIELD,)),
    "MAX_PATH_CHARS": Limit(4_096, (FIELD,)),
    "MAX_NAME_CHARS": Limit(128, (FIELD,)),
    "MAX_TITLE_CHARS": Limit(256, (FIELD,)),
    "MAX_ID_CHARS": Limit(64, (FIELD,)),
    "MAX_TOKEN_CHARS": Limit(512, (FIELD,)),
    "MAX_TERMINAL_COLUMNS": Limit(1_000, (FIELD,)),
    "MAX_TERMINAL_ROWS": Limit(500, (FIELD,)),
    "MAX_TERMINAL_SIDE": Limit(5_000, (FIELD,)),
    "MAX_TERMINAL_MODES": Limit(64, (FIELD,)),
    "MAX_TERMINAL_MODE_CHARS": Limit(16, (FIELD,)),
    "MAX_TIMEOUT_SECONDS": Limit(30 * 86_400, (FIELD,)),
    "MAX_TERMINAL_SIZES": Limit(
        1_000,
        (
            "protocol/test_size_history.py::test_of_too_many_the_first_and_the_newest_stay",
            "daemon/test_terminal_sizes.py::test_a_journal_grows_by_a_bounded_number_of_sizes",
        ),
    ),
    "SCREEN_BYTES": Limit(
        MIB,
        (
            "hub/screen/test_snapshot.py::test_lines_above_give_way_to_the_bound_and_a_screen_that_is_too_large_is_none",
        ),
    ),
    "SCREEN_SCROLLBACK_LINES": Limit(
        1_000,
        ("hub/screen/test_snapshot.py::test_what_scrolled_off_is_there_up_to_a_bound",),
    ),
    "MAX_CAPABILITIES": Limit(64, (FIELD,)),
    "MAX_GRACE_SECONDS": Limit(300, (FIELD,)),
    "MAX_TASKS_IN_AUTH": Limit(4_096, (FIELD,)),
    "MAX_TASKS_IN_USAGE": Limit(1_024, (FIELD,)),
    "TERMINAL_RESUME_BYTES": Limit(
        256 * KIB,
        (
            "hub/terminals/test_screens.py::test_a_viewer_that_resumes_gets_the_output_unless_it_is_far_behind",
        ),
    ),
}
