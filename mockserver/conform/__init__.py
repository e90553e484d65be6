"""Measuring a real vendor: requests to its API that show which rules of the contract hold.

`vendor` is the one connection to it. `probes` are the requests, as data; a `session` sends them, and deletes what they
have created. `judgements` is the table of what their answers show about which rule, by the functions of `judges` and
`task_judges`, which look at answers with `looking` and `positions`. `verdicts` puts the judgements of a rule together,
and `report` shows them.

`pull` makes fixtures of a workspace: `records`, with `people`, of what is `answered`, with `invented` names and texts.

`replay` is a session whose requests are those of a journal: `rebinding` puts the vendor's ids into them, `comparing`
finds differences, `journal_judges` judges what these show, and `journal_report` shows them.
"""
