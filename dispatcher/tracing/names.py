"""Names of OpenTelemetry's semantic conventions, which are still in development for messaging: in this module only.

Source: OpenTelemetry semantic conventions 1.37, messaging spans, HTTP and exceptions. Ours begin with ``dispatcher``.
"""

from __future__ import annotations

SERVICE = "service.name"
SERVICE_NAMESPACE = "service.namespace"
SERVICE_VERSION = "service.version"
ENVIRONMENT = "deployment.environment.name"

SYSTEM = "messaging.system"
OPERATION = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION = "messaging.destination.name"
BATCH = "messaging.batch.message_count"
STATUS = "http.response.status_code"
ERROR = "error.type"

OURS = "dispatcher"
DISPATCH = "dispatcher.dispatch"
PLAN = "dispatcher.plan"
INCIDENT = "dispatcher.incident"
DELIVERY = "dispatcher.delivery"
ATTEMPT = "dispatcher.attempt"
CHANNEL = "dispatcher.channel"
VERDICT = "dispatcher.verdict"
LANE = "dispatcher.lane"
