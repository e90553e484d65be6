"""Fidelity to the vendor: the rules as data, switches, evidence, explanations, and advice.

`contract` reads the vendor's rules, with the evidence for each, from `contract.json`; `assumptions` are the guesses
that have alternatives, each a switch; `evidence` reads what was measured on the vendor; `explain` names the rules that
decided a request; `advice` checks the vendor's recommendations, which it never enforces.
"""
