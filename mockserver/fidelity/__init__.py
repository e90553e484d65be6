"""How faithful the mock is, and how it says so.

`contract` reads the vendor's rules, with the evidence for each, from `contract.json`; `explain` names the rules that
decided a request; `advice` holds what the vendor recommends and never enforces.
"""
