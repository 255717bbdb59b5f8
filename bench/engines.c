/* engines: the list.  A new engine is a line here and a file or two of its own. */
#include "engine.h"
#include "ours.h"
#include "peer_lmdb.h"
#include "peer_rocksdb.h"
#include "peer_sqlite.h"

const struct engine *const engines[] = {&engine_ours, &engine_sqlite, &engine_lmdb, &engine_rocksdb, NULL};
