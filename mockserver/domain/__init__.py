"""The vendor's rules, as operations named in the vendor's terms."""
