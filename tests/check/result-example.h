/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A final answer of the service in its full documented shape: two frames, an
 * audio result, three heuristics.
 */

#pragma once

#define EXAMPLE_VERDICT(heuristic, confidence) \
  "{\"heuristic\":\"" heuristic "\",\"confidence\":" confidence "," \
  "\"classification\":\"artificial\",\"count\":2," \
  "\"models\":[\"texture-2\",\"spectrum-1\"],\"unknown\":false}"

#define EXAMPLE_VERDICTS \
  "[" EXAMPLE_VERDICT ("Majority", "1") "," \
  EXAMPLE_VERDICT ("Average", "0.9375") "," \
  EXAMPLE_VERDICT ("AverageExcludeObsolete", "0.875") "]"

#define EXAMPLE_MODEL(name, score) \
  "{\"model\":\"" name "\",\"unknown\":false,\"elapsed_time\":2," \
  "\"classification\":[{\"label\":\"artificial\",\"score\":" score "}," \
  "{\"label\":\"human\",\"score\":0}]," \
  "\"classification_details\":{\"generator\":\"none\",\"steps\":null}}"

#define EXAMPLE_IMAGE(file, confidence) \
  "{\"name\":\"" file "\",\"c2pa\":null,\"has_heatmap\":false,\"is_nsfw\":false," \
  "\"verdict\":" EXAMPLE_VERDICT ("Average", confidence) "," \
  "\"verdicts\":" EXAMPLE_VERDICTS "," \
  "\"results\":[" EXAMPLE_MODEL ("texture-2", "0.97") "," \
  EXAMPLE_MODEL ("spectrum-1", "1") "]," \
  "\"details\":[{\"model\":\"faces-1\",\"detections\":[" \
  "{\"x1\":12,\"x2\":80.5,\"y1\":3,\"y2\":99,\"score\":1}," \
  "{\"x1\":0,\"x2\":1,\"y1\":2,\"y2\":3,\"score\":0.5}]}]}"

#define EXAMPLE_AUDIO \
  "{\"name\":\"audio.wav\",\"verdict\":" EXAMPLE_VERDICT ("Average", "0.5") "," \
  "\"results\":[" EXAMPLE_MODEL ("speech-3", "0.5") "]}"

#define EXAMPLE_RESULTS \
  "{\"images\":[" EXAMPLE_IMAGE ("frame-0.png", "0.9375") "," \
  EXAMPLE_IMAGE ("frame-1.png", "0.75") "]," \
  "\"audios\":[" EXAMPLE_AUDIO "]}"

#define EXAMPLE_IDENTIFIER \
  "8d64370a87b820cc1cf620338f5c898bab37439c9a405f32d9eaffc50c4f27b0"

#define EXAMPLE_ANSWER \
  "{\"hash\":\"5f2b\",\"identifier\":\"" EXAMPLE_IDENTIFIER "\"," \
  "\"name\":\"segment-00004.mp4\",\"ref_id\":\"cam7-00004\"," \
  "\"api_version\":\"1.1.0\",\"status\":\"done\",\"errors\":null," \
  "\"result_url\":\"https:\\/\\/example.org\\/r\\/1\",\"is_nsfw\":false," \
  "\"verdict\":" EXAMPLE_VERDICT ("Average", "0.9375") "," \
  "\"verdicts\":" EXAMPLE_VERDICTS "," \
  "\"force_classification\":null,\"results\":" EXAMPLE_RESULTS "}"
