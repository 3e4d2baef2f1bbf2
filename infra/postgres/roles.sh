#!/bin/sh
# Run once by the PostgreSQL image, when it makes its data folder: a role for the services that owns nothing the registry must not change.
set -eu
[ -n "${THROUGHLINE_APP_PASSWORD:-}" ] || exit 0
psql -v ON_ERROR_STOP=1 -v password="$THROUGHLINE_APP_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE throughline_app LOGIN PASSWORD :'password';
GRANT CREATE ON DATABASE throughline TO throughline_app;
SQL
