"""A real Chromium, to look at pages."""

from tests.channels.tiktok.conftest import chromium  # noqa: F401 - a fixture for the modules here
