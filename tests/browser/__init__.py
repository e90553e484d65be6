"""Tests in a real browser; a package, because its files have namesakes outside."""
