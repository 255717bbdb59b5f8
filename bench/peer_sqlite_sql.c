/* peer_sqlite_sql: the same company in SQLite, as someone who knows SQLite well
 * would keep it: schema and statements.
 *
 * Integer keys inside, the UUID in a unique index; e-mails and phones in tables
 * of their own, the table clustered on its customer and an index for look-up;
 * the same look-ups as libcrm's schema gives, no index more: customer by id,
 * e-mail, phone's last digits, external id, name, territory, stage; interaction
 * by id, customer and time, start, due; deal by id, name, customer, stage, close
 * date, outcome; transition by id, subject, time; and, as libcrm does by itself,
 * a transition for each stage that a customer or deal enters, the first one
 * included.  Every row has the common columns that libcrm's records have.
 * Indexes that lists of live records are read from leave out the deleted ones.
 *
 * Table `change` is written by the rows that need a history or a feed, and by
 * them alone.
 */
#include "peer_sqlite.h"

#define COMMON                                                                       \
    " created_at INTEGER NOT NULL, created_by INTEGER NOT NULL, modified_at INTEGER" \
    " NOT NULL, modified_by INTEGER NOT NULL, version INTEGER NOT NULL, deleted_at INTEGER) STRICT;"

const char peer_tables[] =
    "CREATE TABLE user(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE customer(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, name TEXT NOT NULL, stage INTEGER NOT NULL,"
    " owner INTEGER REFERENCES user, territory TEXT, external_id TEXT, employees INTEGER, website TEXT,"
    " stage_since INTEGER," COMMON
    "CREATE TABLE email(customer INTEGER NOT NULL, position INTEGER NOT NULL, address TEXT NOT NULL,"
    " PRIMARY KEY(customer, position)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE phone(customer INTEGER NOT NULL, position INTEGER NOT NULL, number TEXT NOT NULL,"
    " reversed TEXT NOT NULL, PRIMARY KEY(customer, position)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE interaction(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, customer INTEGER REFERENCES customer,"
    " type INTEGER NOT NULL, start INTEGER, amount INTEGER, currency INTEGER, channel INTEGER, direction INTEGER,"
    " subject TEXT, due INTEGER, owner INTEGER REFERENCES user," COMMON
    "CREATE TABLE deal(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, name TEXT NOT NULL,"
    " customer INTEGER REFERENCES customer, stage INTEGER NOT NULL, owner INTEGER REFERENCES user, amount INTEGER,"
    " currency INTEGER, probability INTEGER, outcome INTEGER NOT NULL, close_date INTEGER, closed_at INTEGER,"
    " lost_reason INTEGER, stage_since INTEGER," COMMON
    "CREATE TABLE transition(number INTEGER PRIMARY KEY, uuid BLOB NOT NULL, kind INTEGER NOT NULL,"
    " subject INTEGER NOT NULL, at INTEGER NOT NULL, from_stage INTEGER, to_stage INTEGER NOT NULL,"
    " created_by INTEGER NOT NULL) STRICT;"
    "CREATE TABLE change(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " record INTEGER NOT NULL, operation INTEGER NOT NULL, field INTEGER NOT NULL, before ANY, after ANY) STRICT;";

const char peer_indexes[] =
    "CREATE UNIQUE INDEX customer_uuid ON customer(uuid);"
    "CREATE UNIQUE INDEX customer_external ON customer(external_id);"
    "CREATE INDEX customer_name ON customer(name COLLATE NOCASE);"
    "CREATE INDEX customer_territory ON customer(territory);"
    "CREATE INDEX customer_stage ON customer(stage) WHERE deleted_at IS NULL;"
    "CREATE INDEX email_address ON email(address);"
    "CREATE INDEX phone_reversed ON phone(reversed);"
    "CREATE UNIQUE INDEX interaction_uuid ON interaction(uuid);"
    "CREATE INDEX interaction_timeline ON interaction(customer, start);"
    "CREATE INDEX interaction_start ON interaction(start);"
    "CREATE INDEX interaction_due ON interaction(due) WHERE due IS NOT NULL AND deleted_at IS NULL;"
    "CREATE UNIQUE INDEX deal_uuid ON deal(uuid);"
    "CREATE INDEX deal_name ON deal(name COLLATE NOCASE);"
    "CREATE INDEX deal_customer ON deal(customer);"
    "CREATE INDEX deal_stage ON deal(stage) WHERE deleted_at IS NULL;"
    "CREATE INDEX deal_close_date ON deal(close_date);"
    "CREATE INDEX deal_outcome ON deal(outcome) WHERE deleted_at IS NULL;"
    "CREATE UNIQUE INDEX transition_uuid ON transition(uuid);"
    "CREATE INDEX transition_subject ON transition(kind, subject);"
    "CREATE INDEX transition_at ON transition(at);"
    "CREATE INDEX change_record ON change(kind, record, at);";

const char peer_lookup_columns[] = "ALTER TABLE customer ADD COLUMN lookup_0 TEXT;"
                                   "ALTER TABLE customer ADD COLUMN lookup_1 TEXT;"
                                   "ALTER TABLE customer ADD COLUMN lookup_2 TEXT;"
                                   "ALTER TABLE customer ADD COLUMN lookup_3 TEXT;"
                                   "ALTER TABLE customer ADD COLUMN lookup_4 INTEGER;"
                                   "ALTER TABLE customer ADD COLUMN lookup_5 INTEGER;"
                                   "ALTER TABLE customer ADD COLUMN lookup_6 INTEGER;"
                                   "ALTER TABLE customer ADD COLUMN lookup_7 INTEGER;";

const char peer_lookup_indexes[] = "CREATE INDEX lookup_0 ON customer(lookup_0);"
                                   "CREATE INDEX lookup_1 ON customer(lookup_1);"
                                   "CREATE INDEX lookup_2 ON customer(lookup_2);"
                                   "CREATE INDEX lookup_3 ON customer(lookup_3);"
                                   "CREATE INDEX lookup_4 ON customer(lookup_4);"
                                   "CREATE INDEX lookup_5 ON customer(lookup_5);"
                                   "CREATE INDEX lookup_6 ON customer(lookup_6);"
                                   "CREATE INDEX lookup_7 ON customer(lookup_7);";

/* In place of PEER_CUSTOMER where the columns are there. */
const char peer_lookup_customer[] =
    "INSERT INTO customer(number, uuid, name, stage, owner, territory, external_id, employees, website,"
    " stage_since, created_at, created_by, modified_at, modified_by, version,"
    " lookup_0, lookup_1, lookup_2, lookup_3, lookup_4, lookup_5, lookup_6, lookup_7)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1, ?10, 1, 1, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

const char *const peer_sql[PEER_STATEMENTS] = {
    [PEER_BEGIN] = "BEGIN IMMEDIATE",
    [PEER_COMMIT] = "COMMIT",
    [PEER_HOLD] = "BEGIN",
    [PEER_CUSTOMER] =
        "INSERT INTO customer(number, uuid, name, stage, owner, territory, external_id, employees, website,"
        " stage_since, created_at, created_by, modified_at, modified_by, version)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1, ?10, 1, 1)",
    [PEER_EMAIL] = "INSERT INTO email(customer, position, address) VALUES(?1, 0, ?2)",
    [PEER_PHONE] = "INSERT INTO phone(customer, position, number, reversed) VALUES(?1, 0, ?2, ?3)",
    [PEER_INTERACTION] = "INSERT INTO interaction(uuid, customer, type, start, amount, currency, channel, direction,"
                         " subject, due, owner, created_at, created_by, modified_at, modified_by, version)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?12, 1, 1)",
    [PEER_DEAL] = "INSERT INTO deal(uuid, name, customer, stage, owner, amount, currency, probability, outcome,"
                  " close_date, closed_at, lost_reason, stage_since, created_at, created_by, modified_at, modified_by,"
                  " version)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 978, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 1, ?12, 1, 1) RETURNING number",
    [PEER_TRANSITION] = "INSERT INTO transition(uuid, kind, subject, at, from_stage, to_stage, created_by)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, 1)",
    [PEER_BY_ID] = "SELECT name, stage, owner, territory, created_at, number, employees FROM customer WHERE uuid = ?1",
    [PEER_BY_EMAIL] = "SELECT c.name, c.stage, c.owner, c.territory, c.created_at FROM email e"
                      " JOIN customer c ON c.number = e.customer WHERE e.address = ?1 AND c.deleted_at IS NULL",
    [PEER_BY_PHONE] = "SELECT c.name, c.stage, c.owner, c.territory, c.created_at FROM phone p"
                      " JOIN customer c ON c.number = p.customer WHERE p.reversed >= ?1 AND p.reversed < ?2"
                      " AND c.deleted_at IS NULL ORDER BY p.reversed LIMIT 1",
    [PEER_BY_PREFIX] = "SELECT name, territory, owner FROM customer WHERE name >= ?1 COLLATE NOCASE"
                       " AND name < ?2 COLLATE NOCASE AND deleted_at IS NULL ORDER BY name COLLATE NOCASE, number"
                       " LIMIT 20",
    [PEER_TIMELINE] = "SELECT type, start, subject FROM interaction WHERE customer = ?1 AND deleted_at IS NULL"
                      " ORDER BY start DESC, number DESC LIMIT 20",
    [PEER_TIMELINE_AFTER] = "SELECT type, start, subject FROM interaction WHERE customer = ?1"
                            " AND (start, number) < (?2, ?3) AND deleted_at IS NULL"
                            " ORDER BY start DESC, number DESC LIMIT 20",
    [PEER_CURSOR] = "SELECT start, number FROM interaction WHERE customer = ?1 AND deleted_at IS NULL"
                    " ORDER BY start DESC, number DESC LIMIT 1 OFFSET 979",
    [PEER_STAGE] = "SELECT name, territory, owner FROM customer WHERE stage = ?1 AND deleted_at IS NULL"
                   " ORDER BY number LIMIT 50",
    [PEER_DUE] = "SELECT due, subject, owner FROM interaction WHERE due >= ?1 AND due < ?2 AND deleted_at IS NULL"
                 " ORDER BY due, number LIMIT 50",
    [PEER_STAGE_COUNTS] = "SELECT stage, COUNT(*) FROM customer WHERE deleted_at IS NULL GROUP BY stage",
    /* The plus keeps the planner off the timeline's index, whose order would
     * save the grouping a hash but cost a look-up a row: slower. */
    [PEER_SPEND] = "SELECT customer, SUM(amount), MAX(start) FROM interaction WHERE type = 9 AND deleted_at IS NULL"
                   " GROUP BY +customer",
    [PEER_PIPELINE] = "SELECT owner, stage, COUNT(*), SUM(amount),"
                      " SUM(CASE WHEN outcome = 1 THEN amount * probability ELSE 0 END),"
                      " SUM(CASE WHEN outcome = 2 THEN amount ELSE 0 END) FROM deal WHERE deleted_at IS NULL"
                      " GROUP BY owner, +stage",
    [PEER_VERSIONS] = "SELECT at, after FROM change WHERE kind = 1 AND record = ?1 ORDER BY at, number",
    [PEER_BEFORE] = "SELECT before FROM change WHERE kind = 1 AND record = ?1 AND at > ?2 AND field = 21"
                    " ORDER BY at, number LIMIT 1",
    [PEER_EMPLOYEES] = "SELECT employees FROM customer WHERE uuid = ?1",
    [PEER_MOVE] = "UPDATE customer SET stage = ?3, stage_since = ?2, modified_at = ?2, modified_by = 1,"
                  " version = version + 1 WHERE uuid = ?1 RETURNING number",
    [PEER_SET] = "UPDATE customer SET employees = ?3, modified_at = ?2, modified_by = 1, version = version + 1"
                 " WHERE uuid = ?1",
    [PEER_LOG] = "INSERT INTO change(at, actor, kind, record, operation, field, before, after)"
                 " VALUES(?1, 1, 1, ?2, 2, 21, ?3, ?4)",
    [PEER_DELETE] = "UPDATE interaction SET deleted_at = ?2, modified_at = ?2, modified_by = 1, version = version + 1"
                    " WHERE uuid = ?1",
    [PEER_RESTORE] = "UPDATE interaction SET deleted_at = NULL, modified_at = ?2, modified_by = 1,"
                     " version = version + 1 WHERE uuid = ?1",
    [PEER_FEED] = "SELECT at, before, after FROM change WHERE number > ?1 ORDER BY number",
    [PEER_LAST_CHANGE] = "SELECT MAX(number) FROM change",
    [PEER_EXPORT] = "SELECT type, start, subject, amount, currency, due, channel, direction FROM interaction"
                    " WHERE deleted_at IS NULL ORDER BY number",
    [PEER_FIND_EMAIL] = "SELECT customer FROM email WHERE address = ?1",
    [PEER_UPDATE] = "UPDATE customer SET name = ?2, territory = ?3, employees = ?4, website = ?5, modified_at = ?6,"
                    " version = version + 1 WHERE number = ?1",
};
