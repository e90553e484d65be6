"""Measuring which rules of the contract hold at a real vendor: `vambe-mock conform`.

By requests of our own:

- `probes`: the requests, as data.
- `session`: sends the probes, and deletes the tasks that it has created.
- `checks`: the table of which answers show something about which rule, with the functions of `error_checks` and
  `success_checks`, which read answers with `answer_parts` and `positions`.
- `verdicts`: one verdict about each rule, from all its checks.
- `report`: the verdicts as evidence, as JSON, and as text.

By the requests of a test suite, from the journal of a mock (`--journal`):

- `journal_entries`: which entries of the journal are sent, and in which stage.
- `replay`: a session that sends them.
- `journal_requests`: puts the vendor's ids in place of the mock's.
- `comparing`: the differences between the mock's answer and the vendor's.
- `journal_checks`: what these show about the rules.
- `journal_report`: the differences, as JSON and as text.
"""
