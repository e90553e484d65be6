"""Fixtures of a real workspace: `vambe-mock pull`.

- `workspace`: reads the vendor's lists, and writes a fixtures folder.
- `conversion`: makes statuses and tasks of fixtures from the lists; `people` the users, contacts and customers.
- `typed_records`: reads members of the vendor's records with the types of the contract.
- `pseudonyms`: replaces names and texts by others of the same form.
"""
