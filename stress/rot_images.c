/* rot_images: images to lay beside logs they do not belong to.
 */
#include "rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where docs/INDEXES.md ("The file") says that things are in the first 104 bytes. */
enum { AT_FILE = 16, AT_POINT = 40, AT_TABLE_CRC = 68, AT_BLOCKS = 80, AT_PACKED = 88, AT_CRC = 100 };
enum { HEADER_SIZE = 4096, TABLE_ENTRY = 8 };

/* Numbers are in the machine's own order; an image is read on no other machine. */
static void set_crc(uint8_t *at, uint32_t crc)
{
    memcpy(at, &crc, sizeof crc);
}

static uint64_t number_at(const uint8_t *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

void image_forge(uint8_t *image, size_t size)
{
    uint64_t blocks = number_at(image + AT_BLOCKS), packed = number_at(image + AT_PACKED);
    size_t room = size - HEADER_SIZE;
    if (packed <= room && blocks <= (room - packed) / TABLE_ENTRY) {
        uint8_t *block = image + HEADER_SIZE, *table = block + packed;
        uint64_t left = packed;
        for (uint64_t i = 0; i < blocks; i++) {
            uint32_t length;
            memcpy(&length, table + i * TABLE_ENTRY + 4, sizeof length);
            if (length > left)
                break;
            set_crc(table + i * TABLE_ENTRY, rot_crc(0, block, length));
            block += length;
            left -= length;
        }
        set_crc(image + AT_TABLE_CRC, rot_crc(0, table, (size_t)blocks * TABLE_ENTRY));
    }
    set_crc(image + AT_CRC, rot_crc(0, image, AT_CRC));
}

static void images_add(struct rot *rot, const char *name, const uint8_t *bytes, size_t size)
{
    struct rot_image *image = &rot->images[rot->image_count++];
    if (rot->image_count > ROT_IMAGES_MOST || (image->bytes = malloc(size + 1)) == NULL)
        abort();
    snprintf(image->name, sizeof image->name, "%s", name);
    memcpy(image->bytes, bytes, size);
    image->size = size;
}

void images_add_file(struct rot *rot, const char *name)
{
    size_t size;
    uint8_t *bytes = rot_load(rot->image, &size);
    if (bytes == NULL)
        abort();
    images_add(rot, name, bytes, size);
    free(bytes);
}

/* Opens the first frames of a base, `more` transactions go behind them, and the
 * image of that is kept. */
static void add_state(struct rot *rot, const struct base *base, size_t state, int more)
{
    crm_error error = {0};
    char name[48];
    int32_t status;
    (void)unlink(rot->image);
    rot_store(rot->path, base->log, base_end(base, state));
    crm_db *db = rot_open(rot->path, ROT_WRITING | ROT_IMAGE, NULL, NULL, &status, &error);
    for (int i = 0; db != NULL && i < more; i++) {
        crm_txn *txn = NULL;
        if (crm_begin(db, &txn, &error) != CRM_OK)
            abort();
        (void)crm_set_text(crm_create(txn, CRM_KIND_CUSTOMER), CRM_CUSTOMER_NAME, "Somebody else", CRM_NUL);
        if (crm_commit(txn, NULL, &error) != CRM_OK)
            abort();
    }
    if (db == NULL || crm_rebuild(db, &error) != CRM_OK || crm_close(db) != CRM_OK) {
        fprintf(stderr, "rot: an image cannot be made: %s\n", error.message);
        exit(2);
    }
    snprintf(name, sizeof name, "%s of %zu frames and %d others", base->name, state, more);
    images_add_file(rot, name);
}

/* With the identity, or the point, of another image: a forger's. */
static void add_patched(struct rot *rot, const char *name, const struct rot_image *image, const struct rot_image *from,
                        size_t at, size_t end)
{
    images_add(rot, name, image->bytes, image->size);
    uint8_t *bytes = rot->images[rot->image_count - 1].bytes;
    memcpy(bytes + at, from->bytes + at, end - at);
    set_crc(bytes + AT_CRC, rot_crc(0, bytes, AT_CRC));
}

void images_make(struct rot *rot)
{
    static const uint8_t zeros[2 * HEADER_SIZE];
    const struct base *plain = &rot->bases[BASE_PLAIN];
    size_t last = plain->frame_count;
    uint8_t noise[3 * HEADER_SIZE];
    uint64_t chance = rot->stress->seed;
    for (int i = 0; i < BASE_COUNT; i++)
        images_add(rot, rot->bases[i].name, rot->bases[i].image, rot->bases[i].image_size);
    add_state(rot, plain, 1, 0);
    add_state(rot, plain, last / 2, 0);
    add_state(rot, plain, last - 1, 0);
    add_state(rot, plain, last - 1, 1); /* another past, which ends at the same number */
    add_state(rot, plain, last / 2, (int)(last - last / 2));
    add_state(rot, plain, last / 2, (int)last);
    const struct rot_image *whole = NULL, *other = NULL, *half = NULL;
    for (size_t i = 0; i < rot->image_count; i++) {
        const struct rot_image *image = &rot->images[i];
        whole = strcmp(image->name, "plain") == 0 ? image : whole;
        other = strcmp(image->name, "other") == 0 ? image : other;
        half = strstr(image->name, "and 0 others") != NULL && half == NULL ? image : half;
    }
    add_patched(rot, "other as if plain", other, whole, AT_FILE, AT_POINT);
    add_patched(rot, "other as if plain, to the end", other, whole, AT_FILE, AT_TABLE_CRC);
    add_patched(rot, "an early plain as if whole", half, whole, AT_POINT, AT_TABLE_CRC);
    add_patched(rot, "plain as if early", whole, half, AT_POINT, AT_TABLE_CRC);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)stress_random(&chance);
    images_add(rot, "empty", zeros, 0);
    images_add(rot, "of zeros", zeros, sizeof zeros);
    images_add(rot, "of noise", noise, sizeof noise);
    images_add(rot, "with its header alone", plain->image, HEADER_SIZE);
    images_add(rot, "that is the log itself", plain->log, plain->log_size);
}

void images_free(struct rot *rot)
{
    while (rot->image_count > 0)
        free(rot->images[--rot->image_count].bytes);
}
