"""The vendor's rules, as verbs named in the vendor's words."""
