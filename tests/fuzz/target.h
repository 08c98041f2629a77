/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What libFuzzer, or driver.c in its place, calls. A target aborts where a
 * reader breaks its word.
 */

#pragma once

#include <gst/gst.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 * data, gsize size);
