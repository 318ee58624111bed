-- Who may do what in the database: a role per kind of process, none of which owns anything.
--
--   createdb dispatcher
--   psql -d dispatcher -v ON_ERROR_STOP=1 -f roles.sql      as a superuser; again after each migration
--   \password dispatcher_relay                              one each; then the address in deployment.toml names the role
--
-- It may run any number of times. Before the first migration it makes the roles; after it, it gives the rights too, and
-- so it does for tables that a later migration brings. Whoever is not the owner can drop no trigger, so that the moves
-- which the triggers refuse stay refused, and what the ledger holds stays there.
--
-- A host that runs several kinds of process gives each its own deployment.toml (worker.env names the folder), or all of
-- them the sum of their rights: GRANT dispatcher_lane TO dispatcher_relay.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['dispatcher_owner', 'dispatcher_officer', 'dispatcher_relay', 'dispatcher_lane', 'dispatcher_console', 'dispatcher_exporter', 'dispatcher_backup']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('ALTER DATABASE %I OWNER TO dispatcher_owner', current_database());
END $$;

ALTER SCHEMA public OWNER TO dispatcher_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

DO $$ BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO dispatcher_officer, dispatcher_relay, dispatcher_lane, dispatcher_console, dispatcher_exporter, dispatcher_backup', current_database());
END $$;
GRANT USAGE ON SCHEMA public TO dispatcher_officer, dispatcher_relay, dispatcher_lane, dispatcher_console, dispatcher_exporter, dispatcher_backup;

-- Nothing more unless the tables are there.
DO $$
BEGIN
    IF to_regclass('public.ledger') IS NULL THEN
        RAISE NOTICE 'there are no tables yet: dispatcher migrate as dispatcher_owner, then this file again';
        RETURN;
    END IF;

    -- Everybody reads: what is secret is sealed, and no row decides what may go out.
    REVOKE ALL ON ALL TABLES IN SCHEMA public
        FROM PUBLIC, dispatcher_officer, dispatcher_relay, dispatcher_lane, dispatcher_console, dispatcher_exporter, dispatcher_backup;
    GRANT SELECT ON ALL TABLES IN SCHEMA public
        TO dispatcher_officer, dispatcher_relay, dispatcher_lane, dispatcher_console, dispatcher_exporter, dispatcher_backup;
    GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public
        TO dispatcher_officer, dispatcher_relay, dispatcher_lane, dispatcher_console, dispatcher_exporter, dispatcher_backup;

    -- people's commands
    GRANT INSERT ON accounts, cap_alerts, clearances, deliveries, devices, dispatches, hand_offs, holds, incidents, leaders,
        ledger, outbox, plans, probes, recipient_lists, recipients, renderings, revisions, sightings, spends,
        statements, tasks, timelines, ways_back TO dispatcher_officer;
    GRANT UPDATE ON accounts, cap_alerts, clearances, deliveries, devices, dispatches, hand_offs, holds, incidents, leaders,
        outbox, plans, probes, recipient_lists, sightings, spends, tasks, ways_back TO dispatcher_officer;
    GRANT DELETE ON holds, recipients TO dispatcher_officer;

    -- relay
    GRANT INSERT ON cap_alerts, cap_feeds, checkpoints, deliveries, incidents, leaders, ledger, outbox, sightings,
        statuses, tasks, ways_back, workers TO dispatcher_relay;
    GRANT UPDATE ON attempts, cap_alerts, cap_feeds, clearances, deliveries, foreign_posts, incidents, leaders, outbox, plans, probes,
        recipient_lists, sightings, spends, statuses, tasks, ways_back, workers TO dispatcher_relay;
    GRANT DELETE ON cap_feeds, recipients, workers TO dispatcher_relay;

    -- accounts, recipients, tiktok
    GRANT INSERT ON attempts, foreign_posts, holds, leaders, ledger, probes, sightings, timelines, workers TO
        dispatcher_lane;
    GRANT UPDATE ON attempts, deliveries, foreign_posts, leaders, probes, sightings, timelines, workers TO
        dispatcher_lane;
    GRANT DELETE ON holds, workers TO dispatcher_lane;

    -- console: it looks, halts, holds and cancels
    GRANT INSERT ON holds, ledger, sessions, statements, workers TO dispatcher_console;
    GRANT UPDATE ON clearances, deliveries, incidents, plans, sessions, spends, workers TO dispatcher_console;
    GRANT DELETE ON sessions, workers TO dispatcher_console;

    -- exporter: that it starts and stops is on record
    GRANT INSERT ON ledger TO dispatcher_exporter;
    GRANT INSERT, UPDATE, DELETE ON workers TO dispatcher_exporter;

    -- backup, and note_reading of a reviewer
    GRANT INSERT ON ledger TO dispatcher_backup;

END $$;
