/* checksum: CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected), with the
 * processor's instruction where it has one, tables otherwise; and a seeded
 * 64-bit hash for the tables of the image. */
#ifndef SYS_CHECKSUM_H
#define SYS_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* crc32c(0, bytes, n); feed the result back to continue. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
/* The two behind it, so that a test can hold one against the other.
 * crc32c_instruction may only be called when the processor has it. */
bool crc32c_has_instruction(void);
uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t length);
uint32_t crc32c_tables(uint32_t crc, const void *bytes, size_t length);
/* Well-mixed; `seed` is per file, so that nobody can choose colliding keys. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t length);
static inline uint64_t hash_mix(uint64_t x) /* the finaliser of splitmix64 */
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
