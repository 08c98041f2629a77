/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sha256.h"

#ifdef HAVE_NETTLE

#include <nettle/base16.h>
#include <nettle/sha2.h>

struct _IdentifaiSha256
{
  struct sha256_ctx context;
};

IdentifaiSha256 *
identifai_sha256_new (void)
{
  IdentifaiSha256 *self = g_new (IdentifaiSha256, 1);

  sha256_init (&self->context);

  return self;
}

void
identifai_sha256_update (IdentifaiSha256 * self, const guint8 * data,
    gsize size)
{
  sha256_update (&self->context, size, data);
}

gchar *
identifai_sha256_finish (IdentifaiSha256 * self)
{
  gchar *text = g_malloc0 (2 * SHA256_DIGEST_SIZE + 1);
  guint8 digest[SHA256_DIGEST_SIZE];

  sha256_digest (&self->context, sizeof (digest), digest);
  base16_encode_update (text, sizeof (digest), digest);
  g_free (self);

  return text;
}

#else

struct _IdentifaiSha256
{
  GChecksum *checksum;
};

IdentifaiSha256 *
identifai_sha256_new (void)
{
  IdentifaiSha256 *self = g_new (IdentifaiSha256, 1);

  self->checksum = g_checksum_new (G_CHECKSUM_SHA256);

  return self;
}

void
identifai_sha256_update (IdentifaiSha256 * self, const guint8 * data,
    gsize size)
{
  g_checksum_update (self->checksum, data, size);
}

gchar *
identifai_sha256_finish (IdentifaiSha256 * self)
{
  gchar *text = g_strdup (g_checksum_get_string (self->checksum));

  g_checksum_free (self->checksum);
  g_free (self);

  return text;
}

#endif
