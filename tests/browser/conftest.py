"""A real Chromium for the tests that look at pages."""

from tests.channels.tiktok.conftest import chromium as chromium
