"""The imitated API: wire shapes, declared operations, and the path that each request takes."""
