/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names are those of FIPS 180-4.
 */

#include "sha256.h"

#include <string.h>

#define BLOCK 64                /* bytes */
#define LENGTH 8                /* of them: what the last one ends with */

#if defined (__GNUC__) && defined (__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define WITH_X86 1
#elif defined (__GNUC__) && defined (__aarch64__) && defined (__linux__) \
    && !defined (__AARCH64EB__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define WITH_ARM 1
#endif

struct _IdentifaiSha256
{
  GChecksum *checksum;          /* does it all, where there are no instructions; or NULL */
  guint32 hash[8];
  guint64 size;                 /* of all that came */
  guint8 rest[BLOCK];           /* what of it is no whole block */
};

static const guint32 initial_hash[8] = {
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
  0x1f83d9ab, 0x5be0cd19
};

#if defined (WITH_X86) || defined (WITH_ARM)
static const guint32 k[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};
#endif

#if defined (WITH_X86)
static gboolean
has_instructions (void)
{
  guint a, b, c, d;

  if (!__get_cpuid (1, &a, &b, &c, &d) || !(c & bit_SSE4_1))
    return FALSE;

  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* Four words of the message schedule a step: w[i] is made of the four before it. */
__attribute__((target ("sha,sse4.1")))
     static void compress (guint32 * hash, const guint8 * data, gsize n_blocks)
{
  const __m128i swap = _mm_set_epi64x (0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef = _mm_set_epi32 (hash[0], hash[1], hash[4], hash[5]);
  __m128i cdgh = _mm_set_epi32 (hash[2], hash[3], hash[6], hash[7]);
  guint i;

  for (; n_blocks > 0; n_blocks--, data += BLOCK) {
    __m128i abef_before = abef, cdgh_before = cdgh, w[4], sum;

#pragma GCC unroll 16
    for (i = 0; i < 16; i++) {
      if (i < 4)
        w[i] = _mm_shuffle_epi8 (_mm_loadu_si128 ((const __m128i *) data + i),
            swap);
      else
        w[i % 4] = _mm_sha256msg2_epu32 (_mm_add_epi32 (_mm_sha256msg1_epu32 (w
                    [i % 4], w[(i + 1) % 4]), _mm_alignr_epi8 (w[(i + 3) % 4],
                    w[(i + 2) % 4], 4)), w[(i + 3) % 4]);
      sum = _mm_add_epi32 (w[i % 4], _mm_loadu_si128 ((const __m128i *) k + i));
      cdgh = _mm_sha256rnds2_epu32 (cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32 (abef, cdgh, _mm_shuffle_epi32 (sum, 0x0e));
    }
    abef = _mm_add_epi32 (abef, abef_before);
    cdgh = _mm_add_epi32 (cdgh, cdgh_before);
  }
  hash[0] = _mm_extract_epi32 (abef, 3);
  hash[1] = _mm_extract_epi32 (abef, 2);
  hash[2] = _mm_extract_epi32 (cdgh, 3);
  hash[3] = _mm_extract_epi32 (cdgh, 2);
  hash[4] = _mm_extract_epi32 (abef, 1);
  hash[5] = _mm_extract_epi32 (abef, 0);
  hash[6] = _mm_extract_epi32 (cdgh, 1);
  hash[7] = _mm_extract_epi32 (cdgh, 0);
}
#elif defined (WITH_ARM)
static gboolean
has_instructions (void)
{
  return (getauxval (AT_HWCAP) & HWCAP_SHA2) != 0;
}

/* The same. */
__attribute__((target ("+crypto")))
     static void compress (guint32 * hash, const guint8 * data, gsize n_blocks)
{
  uint32x4_t abcd = vld1q_u32 (hash), efgh = vld1q_u32 (hash + 4);
  guint i;

  for (; n_blocks > 0; n_blocks--, data += BLOCK) {
    uint32x4_t abcd_before = abcd, efgh_before = efgh, w[4], sum, abcd_last;

#pragma GCC unroll 16
    for (i = 0; i < 16; i++) {
      if (i < 4)
        w[i] = vreinterpretq_u32_u8 (vrev32q_u8 (vld1q_u8 (data + 16 * i)));
      else
        w[i % 4] = vsha256su1q_u32 (vsha256su0q_u32 (w[i % 4], w[(i + 1) % 4]),
            w[(i + 2) % 4], w[(i + 3) % 4]);
      sum = vaddq_u32 (w[i % 4], vld1q_u32 (k + 4 * i));
      abcd_last = abcd;
      abcd = vsha256hq_u32 (abcd, efgh, sum);
      efgh = vsha256h2q_u32 (efgh, abcd_last, sum);
    }
    abcd = vaddq_u32 (abcd, abcd_before);
    efgh = vaddq_u32 (efgh, efgh_before);
  }
  vst1q_u32 (hash, abcd);
  vst1q_u32 (hash + 4, efgh);
}
#else
static gboolean
has_instructions (void)
{
  return FALSE;
}

static void
compress (guint32 * hash, const guint8 * data, gsize n_blocks)
{
  g_assert_not_reached ();
}
#endif

IdentifaiSha256 *
identifai_sha256_new (gboolean plain)
{
  IdentifaiSha256 *self = g_new0 (IdentifaiSha256, 1);

  if (plain || !has_instructions ())
    self->checksum = g_checksum_new (G_CHECKSUM_SHA256);
  memcpy (self->hash, initial_hash, sizeof (initial_hash));

  return self;
}

void
identifai_sha256_free (IdentifaiSha256 * self)
{
  g_clear_pointer (&self->checksum, g_checksum_free);
  g_free (self);
}

/* Whole blocks where they lie, and only what is none is copied. */
static void
take (IdentifaiSha256 * self, const guint8 * data, gsize size)
{
  gsize used = self->size % BLOCK, part = 0;

  self->size += size;
  if (used > 0) {
    part = MIN (size, BLOCK - used);
    memcpy (self->rest + used, data, part);
    if (used + part < BLOCK)
      return;
    compress (self->hash, self->rest, 1);
  }
  compress (self->hash, data + part, (size - part) / BLOCK);
  memcpy (self->rest, data + size - self->size % BLOCK, self->size % BLOCK);
}

void
identifai_sha256_update (IdentifaiSha256 * self, const guint8 * data,
    gsize size)
{
  if (size == 0)
    return;
  if (self->checksum != NULL)
    g_checksum_update (self->checksum, data, size);
  else
    take (self, data, size);
}

gchar *
identifai_sha256_finish (IdentifaiSha256 * self)
{
  static const guint8 padding[BLOCK] = { 0x80 };
  guint64 bits = GUINT64_TO_BE (self->size * 8);
  gsize used = (self->size + LENGTH) % BLOCK;
  GString *text;
  guint i;

  if (self->checksum != NULL)
    return g_strdup (g_checksum_get_string (self->checksum));
  take (self, padding, BLOCK - used);
  take (self, (const guint8 *) &bits, LENGTH);
  text = g_string_sized_new (2 * sizeof (self->hash));
  for (i = 0; i < G_N_ELEMENTS (self->hash); i++)
    g_string_append_printf (text, "%08x", self->hash[i]);

  return g_string_free (text, FALSE);
}
