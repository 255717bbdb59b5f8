/* kills_place: paths that are no place for a database, or a strange one.
 *
 * Folders, FIFOs, devices and sockets are refused without waiting for them; a
 * symbolic link leads to the one file behind it; what somebody planted under the
 * names of helper files is not written through; without permission, and on a
 * file system for reading only, there is a clear answer.
 */
#include "kills.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_S = 60, NOBODY = 65534 };

struct places {
    struct kills *kills;
    char folder[128];
    uint64_t *count;
};

static void wrong(const struct places *places, const char *place, const char *what)
{
    stress_fail(places->kills->stress, "%s: %s", place, what);
}

static void at(const struct places *places, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", places->folder, name);
}

static void store(const char *path, const char *text)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text) || close(file) != 0)
        abort();
}

/* Whether a file has that text and nothing else. */
static bool holds(const char *path, const char *text)
{
    char bytes[256] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, bytes, sizeof bytes - 1);
    if (file >= 0)
        (void)close(file);
    return got == (ssize_t)strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

static bool is_link(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

/* ---- opening ---- */

static crm_db *open_how(const char *path, int64_t create, int64_t read_only, int32_t *status, crm_error *error)
{
    crm_db *db = NULL;
    crm_options *options = crm_options_create();
    (void)crm_options_set_int(options, CRM_OPTION_CREATE, create);
    (void)crm_options_set_int(options, CRM_OPTION_READ_ONLY, read_only);
    *status = crm_open(path, options, &db, error);
    crm_options_free(options);
    return db;
}

/* Refused with that status, in every way of opening; the message names the path. */
static void refused(const struct places *places, const char *path, int32_t expected)
{
    char shown[100], text[700];
    snprintf(shown, sizeof shown, "%s", path);
    for (int64_t how = 0; how < 3; how++) {
        crm_error error = {0};
        int32_t status;
        ++*places->count;
        crm_db *db = open_how(path, how == 2 ? 0 : 1, how == 1, &status, &error);
        if (status == expected && (path[0] == '\0' || strncmp(error.message, path, strlen(shown)) == 0))
            continue;
        snprintf(text, sizeof text, "opened %s, it says %s: %s", how == 1 ? "for reading" : "for writing",
                 crm_status_name(status), error.message);
        wrong(places, shown, text);
        (void)crm_close(db);
    }
}

static bool add_customer(crm_db *db, const char *name, crm_error *error)
{
    crm_txn *txn = NULL;
    if (crm_begin(db, &txn, error) != CRM_OK)
        return false;
    (void)crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, name, CRM_NUL);
    return crm_commit(txn, NULL, error) == CRM_OK;
}

static uint64_t customers(crm_db *db)
{
    crm_error error = {0};
    crm_view *view = NULL;
    crm_query *query = NULL;
    uint64_t count = UINT64_MAX;
    if (crm_view_open(db, &view, &error) == CRM_OK &&
        crm_query_create(view, CRM_KIND_CUSTOMER, &query, &error) == CRM_OK)
        (void)crm_query_count(query, &count, &error);
    crm_query_free(query);
    crm_view_close(view);
    return count;
}

/* Sound, and with that many customers. */
static void sound(const struct places *places, const char *path, int64_t read_only, uint64_t expected)
{
    crm_error error = {0};
    int32_t status;
    ++*places->count;
    crm_db *db = open_how(path, 0, read_only, &status, &error);
    if (db == NULL || crm_verify(db, NULL, &error) != CRM_OK)
        wrong(places, path, error.message);
    else if (customers(db) != expected)
        wrong(places, path, "other records than were written");
    if (crm_close(db) != CRM_OK)
        wrong(places, path, "closing failed");
}

static void make(const struct places *places, const char *path, uint64_t count)
{
    crm_error error = {0};
    int32_t status;
    crm_db *db = open_how(path, 2, 0, &status, &error);
    for (uint64_t i = 0; db != NULL && i < count; i++)
        if (!add_customer(db, "Somebody", &error))
            break;
    if (db == NULL || error.status != CRM_OK || crm_rebuild(db, &error) != CRM_OK || crm_close(db) != CRM_OK)
        wrong(places, path, error.message);
}

static void clear(const struct places *places)
{
    stress_remove(places->folder);
    if (mkdir(places->folder, 0700) != 0)
        abort();
}

/* ---- what is not a file ---- */

static void try_others(const struct places *places)
{
    static const char *const devices[] = {"/dev/null", "/dev/full", "/dev/zero"};
    char path[256], longer[6000];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    at(places, "folder", path);
    if (mkdir(path, 0700) != 0)
        abort();
    refused(places, path, CRM_NOT_A_DATABASE);
    at(places, "fifo", path);
    if (mkfifo(path, 0600) != 0)
        abort();
    refused(places, path, CRM_NOT_A_DATABASE);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/socket", places->folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) != 0)
        abort();
    refused(places, address.sun_path, CRM_NOT_A_DATABASE);
    (void)close(listener);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (access(devices[i], F_OK) == 0)
            refused(places, devices[i], CRM_NOT_A_DATABASE);
    for (size_t length = 300; length < sizeof longer; length += 5000) {
        size_t start = (size_t)snprintf(longer, sizeof longer, "%s/", places->folder);
        memset(longer + start, 'x', length - start);
        longer[length] = '\0';
        refused(places, longer, CRM_IO);
    }
    refused(places, "", CRM_INVALID);
    at(places, "nowhere/t.crm", path);
    refused(places, path, CRM_NOT_FOUND);
    at(places, "text", path);
    store(path, "Dear diary");
    refused(places, path, CRM_NOT_A_DATABASE);
    if (!holds(path, "Dear diary"))
        wrong(places, path, "it was written to");
    at(places, "text/t.crm", path);
    refused(places, path, CRM_NOT_FOUND);
    clear(places);
}

/* ---- symbolic links ---- */

static uint64_t identity(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 ? (uint64_t)about.st_ino : 0;
}

static void try_links(const struct places *places)
{
    char real[256], link[256], second[256], index[256];
    crm_error error = {0};
    int32_t status;
    at(places, "real.crm", real);
    at(places, "link.crm", link);
    at(places, "second.crm", second);
    at(places, "real.crm-index", index);
    make(places, real, 2);
    if (symlink("real.crm", link) != 0 || symlink("link.crm", second) != 0)
        abort();
    sound(places, link, 0, 2);
    sound(places, second, 1, 2);
    crm_db *one = open_how(real, 0, 0, &status, &error), *two = open_how(second, 0, 0, &status, &error);
    if (!add_customer(one, "One", &error) || !add_customer(two, "Two", &error) || customers(one) != 4)
        wrong(places, second, "it is not one database by both names");
    /* What an image of before held may have been erased since. */
    uint64_t image = identity(index);
    if (crm_compact(two, &error) != CRM_OK)
        wrong(places, second, error.message);
    if (identity(index) == image)
        wrong(places, index, "a compaction through a link leaves the image of what was");
    if (customers(one) != 4 || !add_customer(one, "Three", &error) || customers(two) != 5)
        wrong(places, second, "after a compaction it is not one database by both names");
    if (crm_close(one) != CRM_OK || crm_close(two) != CRM_OK)
        wrong(places, second, "closing failed");
    if (!is_link(link) || !is_link(second))
        wrong(places, link, "it is not a link any more");
    sound(places, real, 0, 5);
    one = open_how(link, 2, 0, &status, &error);
    if (status != CRM_EXISTS)
        wrong(places, link, "a new file is made where a link is");
    (void)crm_close(one);
    *places->count += 4;
    at(places, "loop.crm", link);
    if (symlink("loop.crm", link) != 0)
        abort();
    refused(places, link, CRM_IO);
    at(places, "dangling.crm", link);
    if (symlink("not there", link) != 0)
        abort();
    one = open_how(link, 0, 0, &status, &error);
    if (status != CRM_NOT_FOUND)
        wrong(places, link, "what it leads to is not there");
    (void)crm_close(one);
    clear(places);
}

/* ---- what somebody planted ---- */

static void act_on(const struct places *places, const char *path, const char *planted)
{
    crm_error error = {0};
    int32_t status;
    ++*places->count;
    crm_db *db = open_how(path, 0, 0, &status, &error);
    if (db == NULL || customers(db) != 2 || !add_customer(db, "Third", &error))
        wrong(places, planted, error.message);
    (void)crm_rebuild(db, &error); /* these may fail, but must do no harm */
    (void)crm_compact(db, &error);
    (void)crm_rebuild(db, &error);
    if (customers(db) != 3 || crm_close(db) != CRM_OK)
        wrong(places, planted, "the database does not go on");
    sound(places, path, 0, 3);
}

/* Links, folders and FIFOs under the names of files that the library makes by itself. */
static void try_planted(const struct places *places)
{
    static const char *const names[] = {"t.crm-index", "t.crm-index.tmp", "t.crm.compact"};
    char path[256], planted[256], victim[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int what = 0; what < 4; what++) {
            at(places, "t.crm", path);
            at(places, "victim", victim);
            at(places, names[i], planted);
            make(places, path, 2);
            store(victim, "not yours");
            (void)unlink(planted);
            int made = what == 0   ? symlink("victim", planted)
                       : what == 1 ? mkdir(planted, 0700)
                       : what == 2 ? mkfifo(planted, 0600)
                                   : link(victim, planted);
            if (made != 0)
                abort();
            act_on(places, path, planted);
            if (!holds(victim, "not yours"))
                wrong(places, planted, "what it led to was written to");
            clear(places);
        }
    }
    crm_error error = {0};
    int32_t status;
    at(places, "t.crm", path);
    at(places, "victim", victim);
    at(places, "planted", planted);
    make(places, path, 2);
    if (symlink("victim", planted) != 0)
        abort();
    crm_db *db = open_how(path, 0, 0, &status, &error);
    if (crm_backup(db, planted, &error) != CRM_EXISTS || access(victim, F_OK) == 0)
        wrong(places, planted, "a copy is made through a link");
    if (crm_close(db) != CRM_OK)
        wrong(places, path, "closing failed");
    if (crm_recover(path, planted, NULL, NULL, &error) != CRM_EXISTS || access(victim, F_OK) == 0)
        wrong(places, planted, "a file is salvaged through a link");
    *places->count += 2;
    clear(places);
}

/* ---- permissions ---- */

static void check_mode(const struct places *places, const char *name)
{
    char path[256], text[64];
    struct stat about;
    at(places, name, path);
    ++*places->count;
    if (stat(path, &about) != 0 || (about.st_mode & 07777) == 0600)
        return;
    snprintf(text, sizeof text, "its mode is %o", (unsigned)about.st_mode & 07777);
    wrong(places, path, text);
}

/* Nobody else reads what the library makes, whatever the mask. */
static void try_modes(const struct places *places)
{
    static const char *const names[] = {"t.crm", "t.crm-index", "copy.crm", "salvaged.crm", "salvaged.crm-index"};
    char path[256], copy[256], salvaged[256];
    crm_error error = {0};
    int32_t status;
    mode_t before = umask(0);
    at(places, "t.crm", path);
    at(places, "copy.crm", copy);
    at(places, "salvaged.crm", salvaged);
    make(places, path, 2);
    check_mode(places, "t.crm");
    crm_db *db = open_how(path, 0, 0, &status, &error);
    if (crm_compact(db, &error) != CRM_OK || crm_backup(db, copy, &error) != CRM_OK || crm_close(db) != CRM_OK ||
        crm_recover(path, salvaged, NULL, NULL, &error) != CRM_OK)
        wrong(places, path, error.message);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_mode(places, names[i]);
    (void)umask(before);
    clear(places);
}

static void without_permission(const struct places *places)
{
    char path[256], folder[256], inner[300], fresh[300];
    crm_error error = {0};
    int32_t status;
    at(places, "t.crm", path);
    make(places, path, 2);
    if (chmod(path, 0) != 0)
        abort();
    refused(places, path, CRM_IO);
    if (chmod(path, 0400) != 0)
        abort();
    sound(places, path, 1, 2);
    crm_db *db = open_how(path, 0, 0, &status, &error);
    if (status != CRM_IO || error.system != EACCES)
        wrong(places, path, "opened for writing without permission");
    (void)crm_close(db);
    at(places, "folder", folder);
    snprintf(inner, sizeof inner, "%s/t.crm", folder);
    snprintf(fresh, sizeof fresh, "%s/fresh.crm", folder);
    if (mkdir(folder, 0700) != 0)
        abort();
    make(places, inner, 2);
    if (chmod(folder, 0500) != 0)
        abort();
    db = open_how(fresh, 1, 0, &status, &error);
    if (status != CRM_IO || error.system != EACCES)
        wrong(places, fresh, "made without permission");
    (void)crm_close(db);
    db = open_how(inner, 0, 0, &status, &error);
    if (db == NULL || !add_customer(db, "Third", &error))
        wrong(places, inner, error.message);
    if (crm_compact(db, &error) == CRM_OK)
        wrong(places, inner, "compacted without permission");
    if (strstr(error.message, folder) == NULL || !add_customer(db, "Fourth", &error) || crm_close(db) != CRM_OK)
        wrong(places, inner, error.message);
    sound(places, inner, 0, 4);
    if (chmod(folder, 0) != 0)
        abort();
    refused(places, inner, CRM_IO);
    if (chmod(folder, 0700) != 0)
        abort();
    sound(places, inner, 0, 4);
}

/* In a child that is nobody when the program is root, whom nothing is forbidden. */
static void try_permissions(const struct places *places)
{
    if (getuid() == 0 && (chmod(places->kills->stress->folder, 0711) != 0 ||
                          chown(places->folder, NOBODY, NOBODY) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        printf("SKIP permissions: nobody else can be: %s\n", strerror(errno));
    else
        without_permission(places);
}

/* ---- for reading only ---- */

static void try_read_only(const struct places *places)
{
    char path[256], fresh[256];
    crm_error error = {0};
    int32_t status;
    if (!small_disk(places->folder, 1 << 20)) {
        printf("SKIP a file system for reading only: mounting one: %s\n", strerror(errno));
        return;
    }
    at(places, "t.crm", path);
    at(places, "fresh.crm", fresh);
    make(places, path, 2);
    if (!small_disk_resize(places->folder, 1 << 20, true))
        wrong(places, path, strerror(errno));
    sound(places, path, 1, 2);
    crm_db *db = open_how(path, 0, 0, &status, &error);
    if (status != CRM_READ_ONLY || strstr(error.message, path) == NULL)
        wrong(places, path, error.message);
    (void)crm_close(db);
    db = open_how(fresh, 1, 0, &status, &error);
    if (status != CRM_READ_ONLY || strstr(error.message, fresh) == NULL)
        wrong(places, fresh, error.message);
    (void)crm_close(db);
    db = open_how(path, 0, 1, &status, &error);
    if (crm_backup(db, fresh, &error) != CRM_READ_ONLY || strstr(error.message, fresh) == NULL)
        wrong(places, fresh, error.message);
    if (crm_close(db) != CRM_OK)
        wrong(places, path, "closing failed");
    *places->count += 3;
}

/* ---- all ---- */

/* Each in a child, so that what hangs, crashes or gives up its rights does so alone. */
static void in_child(struct places *places, void (*try)(const struct places *places), const char *what)
{
    int status = 0;
    if (mkdir(places->folder, 0700) != 0)
        abort();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(HANG_S);
        try(places);
        (void)fflush(NULL);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        wrong(places, what, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "the child ended by itself");
    stress_remove(places->folder);
}

void kills_places(struct kills *kills)
{
    static uint64_t before;
    struct places places = {.kills = kills, .count = &kills->shared->places};
    stress_path(kills->stress, "places", places.folder, sizeof places.folder);
    before = kills->shared->places;
    in_child(&places, try_others, "what is not a file");
    in_child(&places, try_links, "symbolic links");
    in_child(&places, try_planted, "planted files");
    in_child(&places, try_modes, "modes");
    in_child(&places, try_permissions, "permissions");
    in_child(&places, try_read_only, "for reading only");
    printf("  %llu strange places\n", (unsigned long long)(kills->shared->places - before));
}
