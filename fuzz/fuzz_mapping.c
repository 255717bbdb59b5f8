/* fuzz_mapping: a mapping file and the rows it is for.
 *
 * The first byte says the kind and the settings; then comes the mapping up to a
 * NUL byte, then the rows, CSV or JSON Lines as they look; without rows, ten
 * lines that the seeds speak of.  What must hold is in import.h; where a
 * mapping is refused, the message says where.
 */
#include "import.h"
#include "io/mapping.h"

#include <string.h>

static const char rows[] = "id,customer,contact,product,number,quantity,price,discount,when,status,note,code\n"
                           "1,Acme,,Gadget,536365,2,2.55,,12/1/2010 8:26,Won,\"first, line\",A\n"
                           "2,Acme,,Gadget,536365,6,3.39,0.5,12/1/2010 8:26,Lost,,B\n"
                           "3,Globex,,Widget,536366,-1,\"1,234.50\",,12/2/2010 9:01,open,x,\n"
                           "4,,,,536367,0,0,,,,,C\n"
                           "5,Initech,,Gadget,536368,17850.0,1.5,,2010-12-03,won,y,A\n";

static const uint32_t kinds[] = {CRM_KIND_INTERACTION, CRM_KIND_OPPORTUNITY, CRM_KIND_CUSTOMER, CRM_USER_KIND};

static void check_mapping(uint32_t kind, const struct input *text)
{
    crm_db *db = import_database("mapping.crm");
    struct mapping mapping;
    crm_error error = {0};
    mapping_init(&mapping, memory_default(), db, kind);
    int32_t status = mapping_parse(&mapping, (const char *)text->at, input_left(text), &error);
    MUST(status == CRM_OK || (status == CRM_INVALID && strstr(error.message, "mapping line ") != NULL));
    mapping_free(&mapping);
    MUST(crm_close(db) == CRM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, bytes + length};
    uint8_t how = input_byte(&input);
    uint32_t kind = kinds[how % 4];
    struct input text = input_until(&input, 0);
    check_mapping(kind, &text);
    if (how & 4) /* the mapping alone */
        return 0;
    struct import_job job = {.kind = kind, .bytes = (const uint8_t *)rows, .length = sizeof rows - 1};
    if (input_left(&input) > 0) {
        job.bytes = input.at;
        job.length = input_left(&input);
    }
    import_setting(&job, "batch", "b", CRM_NUL);
    import_setting(&job, "mapping", (const char *)text.at, input_left(&text));
    import_setting(&job, "ignore", "*", CRM_NUL);
    import_check(&job, how & 8 ? "jsonl" : "csv");
    return 0;
}
