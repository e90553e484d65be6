"""The mock's own rules: who opens which sandbox, and what it starts with."""
