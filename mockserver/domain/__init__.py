"""The vendor's rules, as operations named in the vendor's terms.

`tasks` creates, lists, changes and deletes tasks, with their `due` dates, their `statuses`, and the `notes` on
`contacts` that they leave; `team` lists the people.
"""
