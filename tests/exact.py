#!/usr/bin/env python3
# identifAI plugin for GStreamer
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Is every frame in exactly one segment? Cuts clips of many codecs and containers
# with segment-file (the segmenter and the muxer without an element around them),
# decodes the segments with ffmpeg, and compares frame by frame with the decoded
# clip: pictures, order, times, sound.
#
#   exact.py SEGMENT_FILE [--clips FOLDER] [--jobs N] [NAME…]
#
# --clips adds the video files found in a folder to the generated ones. Exit code
# 77 (skipped) if ffmpeg is missing.

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Of what ffmpeg prints about files that are right.
HARMLESS = ("Guessed Channel Layout", "deprecated pixel format", "Missing key frame while searching", "Cannot find an index entry before", "Last message repeated", "Could not find codec parameters for stream 1",
            "enc_time_base")

# Of a file that starts with an open group: it would let go of a reference that was a leading picture, and isn't in the file.
LEADING_IS_GONE = "mmco: unref short failure"

ACCEPTED_SOUND = ("aac", "mp3", "mp2", "opus", "vorbis", "ac3", "eac3", "dts", "flac", "alac")

PICTURE = "testsrc2=size={size}:rate={rate}:duration={length}"
SOUND = "sine=frequency=440:beep_factor=4:sample_rate=48000:duration={length}"


class Case:
    """One clip and what should come out of it."""

    def __init__(self, name, video=None, audio=None, ext="mkv", size="160x120", length=9, rate="25", duration=3, pipeline=None,
                 path=None, extra=(), doubled=0, lost=0, options=(), segments=None, sound_error=0.003, saved=0, time_error=0.0021,
                 max_bytes=50000000, since=(1, 20), early=None, joined=False):
        self.name = name
        self.video, self.audio, self.ext = video, audio, ext
        self.size, self.length, self.rate, self.duration = size, length, rate, duration
        self.pipeline = pipeline    # instead of ffmpeg: gst-launch, with {clip}
        self.path = path            # instead of both: a file
        self.extra = list(extra)    # of ffmpeg, before the output
        self.doubled = doubled      # pictures at most in two segments (open GOPs only)
        self.lost = lost            # at the clip's start, that cannot be decoded
        self.options = list(options)
        self.segments = segments    # how many at least
        self.sound_error = sound_error  # s
        self.time_error = time_error    # s
        self.max_bytes = max_bytes
        self.since = since          # of GStreamer, in which its demuxer gives out all of the clip
        self.early = early          # how many segments at least are written as their frames come; None: none is
        self.joined = joined        # demuxed times go back now and then, and messages with them: each file is behind the one before
        self.saved = saved          # pictures that ffmpeg shows of the segments, but not of the clip

    def make(self, folder):
        if self.path:
            return self.path
        clip = os.path.join(folder, "clip." + self.ext)
        if self.pipeline:
            return clip
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                   PICTURE.format(size=self.size, rate=self.rate, length=self.length)]
        if self.audio:
            command += ["-f", "lavfi", "-i", SOUND.format(length=self.length), "-c:a"] + self.audio.split()
        command += ["-c:v"] + self.video.split() + ["-pix_fmt", "yuvj420p" if "mjpeg" in self.video else "yuv420p"]
        run(command + self.extra + [clip])
        return clip


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
    if result.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command), result.stderr.decode(errors="replace")[-2000:]))
    return result


def complaints(stderr):
    lines = stderr.decode(errors="replace").splitlines()
    return [l for l in lines if l.strip() and not any(h in l for h in HARMLESS)]


def decode(path):
    """The pictures of a file: [(time in s, hash)], and what ffmpeg complains of."""
    result = run(["ffmpeg", "-v", "warning", "-threads", "1", "-copyts", "-i", path, "-map", "0:v:0",
                  "-fps_mode", "passthrough", "-enc_time_base", "-1", "-pix_fmt", "yuv420p", "-f", "framehash", "-hash", "md5", "-"])
    frames, base = [], 1.0
    for line in result.stdout.decode().splitlines():
        if line.startswith("#tb 0:"):
            num, denom = line.split(":")[1].split("/")
            base = int(num) / int(denom)
        elif not line.startswith("#"):
            fields = [f.strip() for f in line.split(",")]
            frames.append((int(fields[2]) * base, fields[5]))
    return frames, complaints(result.stderr)


class File:
    """What ffprobe knows of a file, asked once."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.found = json.loads(run(["ffprobe", "-v", "error", "-show_data_hash", "md5", "-of", "json", "-show_entries",
                                     "format=duration:stream=codec_type,codec_name:"
                                     "packet=codec_type,pts_time,duration_time,data_hash", path]).stdout)

    def codec(self, kind):
        return next((s["codec_name"] for s in self.found["streams"] if s["codec_type"] == kind), None)

    def has_duration(self):
        return "duration" in self.found["format"]

    def packets(self, kind):
        """Of the first stream of that kind: [(time in s, hash)]."""
        found, time = [], 0.0
        for packet in self.found["packets"]:
            if packet["codec_type"] == kind:
                time = float(packet.get("pts_time", time))
                found.append((time, packet["data_hash"]))
                time += float(packet.get("duration_time", 0))
        return found


def segment(tool, case, clip, folder):
    out = os.path.join(folder, "out")
    command = [tool, "--duration", str(int(case.duration * 1000)), "--max-bytes", str(case.max_bytes)] + case.options
    command += ["--early"] if case.early is not None else []
    if case.pipeline:
        command += ["--pipeline", case.pipeline.format(clip=clip), out]
    else:
        command += [clip, out]
    lines = [json.loads(l) for l in run(command).stdout.decode().splitlines()]
    return out, lines[:-1], lines[-1]


def merge(parts):
    """All pictures in order; of one that ends a segment and starts the next, the second is left out."""
    merged, doubled = [], 0
    for pictures in parts:
        if merged and pictures and merged[-1][1] == pictures[0][1] and abs(merged[-1][0] - pictures[0][0]) < 0.002:
            pictures = pictures[1:]
            doubled += 1
        merged += pictures
    return merged, doubled


def check_pictures(case, source, merged, problems):
    expected = source[case.lost:]
    known = {h for _, h in expected}
    compared = len(merged)
    if case.saved and sum(h not in known for _, h in merged) <= case.saved:
        # where ffmpeg loses pictures, it gives those after them other times
        compared = next((i for i, p in enumerate(merged) if p[1] not in known), compared)
        merged = [p for p in merged if p[1] in known]
    if [h for _, h in merged] != [h for _, h in expected]:
        first = next((i for i, (a, b) in enumerate(zip(merged, expected)) if a[1] != b[1]), "the end")
        problems.append("pictures differ: %d instead of %d, from %s on" % (len(merged), len(expected), first))
        return
    shift = [(a[0] - merged[0][0]) - (b[0] - expected[0][0]) for a, b in zip(merged[:compared], expected)]
    if max(map(abs, shift)) > case.time_error:
        problems.append("times differ by %.1f ms" % (1000 * max(map(abs, shift))))


def align(found, wanted):
    """Where found starts in wanted, by content; None if it isn't one stretch of it."""
    hashes = [h for _, h in found]
    for i in range(len(wanted) - len(found) + 1):
        if [h for _, h in wanted[i:i + len(found)]] == hashes:
            return i
    return None


def heard(clip):
    """The packets of a clip's sound as its demuxer in GStreamer has them: matroskademux leaves a codec's delay in
    the times, which ffmpeg (whose muxer writes it from version 7 on) takes off."""
    found = clip.packets("audio")
    if not found or not clip.name.endswith(".mkv") or clip.codec("audio") not in ("aac", "mp3", "ac3"):
        return found
    delay = max(0, -found[0][0])
    return [(t + delay, h) for t, h in found]


def find_starts(case, segments):
    """Where each file lies, in s."""
    starts = [s["running_time"] / 1e9 for s in segments]
    for i in range(1, len(segments) if case.joined else 0):
        starts[i] = starts[i - 1] + segments[i - 1]["duration"] / 1e9
    return starts


def check_sound(case, clip, segments, files, source, problems):
    wanted = heard(clip)
    if not wanted or clip.codec("audio") not in ACCEPTED_SOUND:
        return
    start = source[case.lost][0]
    end = start + sum(s["duration"] for s in segments) / 1e9
    found = []
    starts = find_starts(case, segments)
    for first, file in zip(starts, files):
        offset = start + first - starts[0]
        found += [(t + offset, h) for t, h in file.packets("audio")]
    covered = [p for p in wanted if start - 0.001 <= p[0] < end - 0.001]
    if abs(len(found) - len(covered)) > 2:
        problems.append("%d packets of sound instead of %d" % (len(found), len(covered)))
        return
    while found and covered and abs(found[0][0] - covered[0][0]) > 0.012:
        (found if found[0][0] < covered[0][0] else covered).pop(0)
    if {h for _, h in found} & {h for _, h in wanted}:
        first = align(found, wanted)
        if first is None:
            problems.append("sound differs")
            return
        covered = wanted[first:first + len(found)]
    # what has other bytes in the files (ADTS) is only compared by time
    worst = max((abs(a[0] - b[0]) for a, b in zip(found, covered)), default=0)
    if worst > case.sound_error:
        problems.append("sound is off by %.1f ms" % (worst * 1000))


def check_files(case, segments, files, parts, problems):
    for s, file, (pictures, words) in zip(segments, files, parts):
        name = file.name
        if "open-gop" in case.name:
            words = [w for w in words if LEADING_IS_GONE not in w]
        if words:
            problems.append("%s: ffmpeg says %s" % (name, words[:3]))
        if not pictures:
            problems.append("%s: no pictures" % name)
            continue
        if abs(pictures[0][0]) > 0.0011:
            problems.append("%s: starts at %.3f s" % (name, pictures[0][0]))
        if not file.has_duration():
            problems.append("%s: has no duration" % name)
        # what MP4 hides, other containers show: the picture that an open GOP's leading ones need
        more = 1 if case.doubled and not name.endswith(".mp4") and file != files[-1] else 0
        if not 0 <= len(pictures) - s["frames"] <= more:
            problems.append("%s: %d frames announced, %d decoded" % (name, s["frames"], len(pictures)))
        if s["bytes"] > case.max_bytes:
            problems.append("%s: %d bytes, more than %d" % (name, s["bytes"], case.max_bytes))
        # 4096: what may be added to the first frame
        if s["bytes"] > s["payload"] + s["overhead"] + 4096:
            problems.append("%s: %d bytes of %d + %d" % (name, s["bytes"], s["payload"], s["overhead"]))


def check(tool, case, root):
    folder = os.path.join(root, case.name)
    os.makedirs(folder, exist_ok=True)
    problems = []
    clip = case.make(folder)
    out, segments, stats = segment(tool, case, clip, folder)
    source, words = decode(clip)
    paths = [os.path.join(out, f) for f in sorted(os.listdir(out))]
    files = [File(p) for p in paths]
    if len(files) != len(segments):
        problems.append("%d files of %d segments" % (len(files), len(segments)))
    parts = [decode(p) for p in paths]
    check_files(case, segments, files, parts, problems)
    placed = [[(t + first, h) for t, h in pictures] for first, (pictures, _) in zip(find_starts(case, segments), parts)]
    merged, doubled = merge(placed)
    if case.doubled == 0:
        merged, doubled = sum(placed, []), 0
    check_pictures(case, source, merged, problems)
    if doubled > case.doubled:
        problems.append("%d doubled pictures" % doubled)
    if segments and not problems:
        check_sound(case, File(clip), segments, files, source, problems)
    least = case.segments or max(1, int((source[-1][0] - source[0][0]) / case.duration / 1.5))
    if len(segments) < least:
        problems.append("only %d segments" % len(segments))
    early = sum(s["early"] for s in segments)
    if early < (case.early or 0):
        problems.append("only %d of %d segments were written early" % (early, len(segments)))
    kinds = "/".join(sorted({os.path.splitext(p)[1][1:] for p in paths}))
    return {"frames": len(source), "segments": len(segments), "doubled": doubled, "skipped": stats["skipped"],
            "early": early, "file": kinds, "words": words, "problems": problems}


X264 = "libx264 -preset veryfast -g 50 "
X265 = "libx265 -preset ultrafast -x265-params log-level=error:keyint=50:min-keyint=50:bframes=4:"

# of the encoder's own: they are in the stream's headers
MATRICES = "-intra_matrix %s -inter_matrix %s" % (",".join(["8"] + ["17"] * 63), ",".join(["17"] * 64))

# starts between two key frames
EDIT_LIST = ("-output_ts_offset", "-2.72", "-avoid_negative_ts", "disabled")

CASES = [
    Case("h264-b-pyramid-mp4-aac", "libx264 -preset medium -g 50 -bf 4 -b_strategy 0 -x264-params b-pyramid=normal",
         "aac", "mp4"),
    Case("h264-b-pyramid-mkv-mp3", "libx264 -preset medium -g 50 -bf 4 -x264-params b-pyramid=normal",
         "libmp3lame", "mkv"),
    Case("h264-ts-aac", X264, "aac", "ts"),
    Case("h264-ts-ac3", X264, "ac3", "ts"),
    Case("h264-no-b-flv", X264 + "-bf 0", "aac", "flv"),
    Case("h264-mp4-opus", X264, "libopus", "mp4"),
    Case("h264-mkv-vorbis", X264, "libvorbis", "mkv"),
    Case("h264-mkv-flac", X264, "flac", "mkv"),
    Case("h264-mkv-ac3", X264, "ac3", "mkv"),
    Case("h264-ts-eac3", X264, "eac3", "ts"),
    Case("h264-ts-latm", X264, "aac", "ts", extra=("-mpegts_flags", "latm")),
    Case("h264-mkv-dts", X264, "dca -strict -2", "mkv"),
    Case("h264-mov-alac", X264, "alac", "mov"),
    Case("h264-mov-g711", X264, "pcm_alaw", "mov"),
    Case("mpeg2-ts-mp2", "mpeg2video -g 15 -bf 2", "mp2", "ts"),
    Case("h264-ntsc-mp4", X264, "aac", "mp4", rate="30000/1001"),
    Case("h264-avi-no-b", X264 + "-bf 0", "libmp3lame", "avi"),
    Case("h264-avi-b-pyramid", "libx264 -preset medium -g 50 -bf 4 -b_strategy 0 -x264-params b-pyramid=normal",
         "libmp3lame", "avi"),
    Case("h264-avi-open-gop", X264 + "-bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50", "libmp3lame", "avi", doubled=9),
    Case("h264-bare-b", "libx264 -preset medium -g 50 -bf 4 -b_strategy 0", None, "h264"),
    Case("h264-bare-one-b", X264 + "-bf 1", None, "h264"),
    Case("h265-bare-b", X265 + "open-gop=0", None, "hevc"),
    Case("h265-bare-no-timing", X265 + "open-gop=0:vui-timing-info=0", None, "hevc"),
    Case("h264-vfr-mp4", "libx264 -preset veryfast -g 50", "aac", "mp4", segments=3,
         length=12, extra=("-vf", "select='not(mod(n,3))+lt(mod(n,50),20)'", "-fps_mode", "vfr")),
    Case("h264-fragmented-mp4", X264, "aac", "mp4", extra=("-movflags", "frag_keyframe+empty_moov")),
    # qtdemux of 1.22 ends them as much too early as they start late
    Case("h264-edit-list", X264, "aac", "mp4", since=(1, 26), extra=EDIT_LIST),
    Case("h264-edit-list-open-gop", X264 + "-bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50", "aac", "mp4", doubled=9,
         since=(1, 26), extra=EDIT_LIST),
    Case("h264-ts-that-wraps", X264, "aac", "ts", extra=("-output_ts_offset", "95436")),
    # tsdemux sets times back at each clock reference where those are rare
    Case("h264-ts-sparse-clock", X264 + "-bf 0", "aac", "ts", extra=("-pcr_period", "2000"), joined=True),
    Case("h264-ts-sparse-clock-b", X264, "aac", "ts", extra=("-pcr_period", "1500"), time_error=0.041,
         sound_error=0.041, joined=True),
    Case("h265-ts-sparse-clock", X265 + "open-gop=0", None, "ts", extra=("-pcr_period", "2000"), joined=True),
    Case("h264-pcm-sound-mov", X264, "pcm_s16le", "mov"),
    Case("h264-10-bit-mkv", X264, "aac", "mkv", extra=("-pix_fmt", "yuv420p10le")),
    Case("h264-small-files", "libx264 -preset veryfast -g 25 -b:v 2M", "aac", "mp4", size="320x240", length=12, duration=60, max_bytes=600000,
         segments=4),
    Case("h264-small-files-mkv-flac", "libx264 -preset veryfast -g 25 -b:v 2M", "flac", "mkv", size="320x240", length=12,
         duration=60, max_bytes=700000, segments=4),
    Case("vp8-small-files", "libvpx -g 25 -b:v 2M -deadline realtime -cpu-used 8", "libvorbis", "webm", size="320x240",
         length=12, duration=60, max_bytes=500000, segments=4, sound_error=0.003),
    Case("h264-long-gop", "libx264 -preset veryfast -g 1000", "aac", "mp4", segments=1),
    Case("h264-scenecuts", "libx264 -preset veryfast -g 25 -keyint_min 5", "aac", "mp4", duration=1),
    Case("h264-open-gop-mkv", X264 + "-bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50", "aac", "mkv", doubled=9),
    Case("h264-open-gop-ts", X264 + "-bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50", "aac", "ts", doubled=9),
    Case("h264-open-gop-no-b", X264 + "-bf 0 -x264-params open-gop=1:keyint=50:min-keyint=50", "aac", "mp4"),
    Case("h264-intra-refresh", X264 + "-x264-params intra-refresh=1", "aac", "mkv", segments=1),
    Case("h264-all-intra", "libx264 -preset veryfast -g 1", "aac", "mp4", duration=1),
    Case("h264-slices", X264 + "-slices 8", None, "ts"),
    Case("h264-interlaced", X264 + "-flags +ildct+ilme -x264-params tff=1", None, "ts"),
    Case("h265-closed-mp4", X265 + "open-gop=0", "aac", "mp4"),
    Case("h265-closed-ts", X265 + "open-gop=0", "aac", "ts"),
    Case("h265-closed-radl", X265 + "open-gop=0:radl=2", "aac", "mp4"),
    Case("h265-open-mp4", X265 + "open-gop=1", "aac", "mp4", doubled=9),
    Case("h265-open-mkv", X265 + "open-gop=1", "aac", "mkv", doubled=9),
    Case("h265-open-ts", X265 + "open-gop=1", "aac", "ts", doubled=9),
    Case("h265-no-b", X265 + "open-gop=1:bframes=0", None, "mp4"),
    Case("mpeg2-closed-ts", "mpeg2video -g 15 -bf 2 -flags +cgop -sc_threshold 1000000000", "libmp3lame", "ts"),
    Case("mpeg2-open-ts", "mpeg2video -g 15 -bf 2", "libmp3lame", "ts"),
    Case("mpeg2-open-mkv", "mpeg2video -g 15 -bf 2", "ac3", "mkv"),
    Case("mpeg2-no-b-ts", "mpeg2video -g 15 -bf 0", "ac3", "ts"),
    Case("mpeg2-matrices-ts", "mpeg2video -g 15 -bf 2 " + MATRICES, "libmp3lame", "ts"),
    Case("mpeg4-matrices-mp4", "mpeg4 -g 50 -mpeg_quant 1 " + MATRICES, "aac", "mp4"),
    Case("mpeg1-mpg", "mpeg1video -g 15 -bf 2", None, "mpg"),
    Case("mpeg4-avi-b", "mpeg4 -g 50 -bf 2 -q:v 4", "libmp3lame", "avi", doubled=9),
    Case("mpeg4-avi-packed", "libxvid -g 50 -bf 2 -q:v 4", "libmp3lame", "avi", doubled=9, saved=1),
    Case("mpeg4-avi-no-b", "mpeg4 -g 50 -q:v 4", "libmp3lame", "avi"),
    Case("mpeg4-mp4", "mpeg4 -g 50 -q:v 4", "aac", "mp4"),
    Case("mpeg4-mp4-b", "mpeg4 -g 50 -bf 2 -q:v 4", "aac", "mp4", doubled=9),
    Case("mpeg4-mp4-b-closed", "mpeg4 -g 50 -bf 2 -flags +cgop -sc_threshold 1000000000 -q:v 4", "aac", "mp4"),
    Case("mpeg4-ts", "mpeg4 -g 50 -bf 0 -q:v 4", "aac", "ts"),
    Case("vp8-webm-vorbis", "libvpx -g 50 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16", "libvorbis",
         "webm"),
    Case("vp8-webm-opus", "libvpx -g 50 -deadline realtime -cpu-used 8", "libopus", "webm"),
    Case("vp9-webm-opus", "libvpx-vp9 -g 50 -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16", "libopus",
         "webm"),
    Case("vp9-mp4", "libvpx-vp9 -g 50 -deadline realtime -cpu-used 8", "aac", "mp4"),
    Case("vp9-mkv-vorbis", "libvpx-vp9 -g 50 -deadline realtime -cpu-used 8", "libvorbis", "mkv"),
    Case("av1-mp4", "libaom-av1 -g 50 -cpu-used 8 -lag-in-frames 19 -usage good", "aac", "mp4", length=8),
    Case("av1-webm-opus", "libaom-av1 -g 50 -cpu-used 8 -lag-in-frames 19 -usage good", "libopus", "webm", length=8),
    Case("av1-realtime-mkv", "libaom-av1 -g 50 -cpu-used 8 -usage realtime", None, "mkv", length=8),
    # written as their frames come: early-upload
    Case("early-h264-mp4-aac", "libx264 -preset medium -g 50 -bf 4 -b_strategy 0 -x264-params b-pyramid=normal", "aac", "mp4", early=3),
    Case("early-h264-ts-aac", X264, "aac", "ts", early=3),
    Case("early-h264-mp4-opus", X264, "libopus", "mp4", early=3),
    Case("early-h264-ntsc-mp3", X264 + "-bf 0", "libmp3lame", "mp4", rate="30000/1001", early=3),
    Case("early-h264-long-gop", "libx264 -preset veryfast -g 1000", "aac", "mp4", segments=1, early=1),
    Case("early-h265-closed", X265 + "open-gop=0", "aac", "mp4", early=3),
    Case("early-av1", "libaom-av1 -g 50 -cpu-used 8 -usage realtime", "libopus", "mp4", length=8, early=2),
    # these turn out otherwise than they began, and are whole files then: leading pictures, sizes, codecs
    Case("early-h264-open-gop", X264 + "-bf 3 -x264-params open-gop=1:keyint=50:min-keyint=50", "aac", "ts", doubled=9, early=0),
    Case("early-h264-small-files", "libx264 -preset veryfast -g 25 -b:v 2M", "aac", "mp4", size="320x240", length=12, duration=60,
         max_bytes=600000, segments=4, early=0),
    Case("early-mpeg2-ts", "mpeg2video -g 15 -bf 2", "mp2", "ts", early=0),
    Case("mjpeg-avi", "mjpeg -q:v 5", "libmp3lame", "avi"),
    Case("mjpeg-mkv", "mjpeg -q:v 5", "flac", "mkv"),
    Case("h264-bytestream-x264enc", pipeline="videotestsrc num-buffers=300 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! x264enc key-int-max=50 bframes=3 b-adapt=false speed-preset=veryfast ! "
         "video/x-h264,stream-format=byte-stream ! tee name=t ! queue ! h264parse ! matroskamux ! "
         "filesink location={clip} t. ! queue name=video"),
    Case("h264-avc-x264enc", pipeline="videotestsrc num-buffers=300 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! x264enc key-int-max=50 bframes=3 speed-preset=veryfast ! "
         "video/x-h264,stream-format=avc ! tee name=t ! queue ! matroskamux ! "
         "filesink location={clip} t. ! queue name=video"),
    Case("h265-bytestream-x265enc", pipeline="videotestsrc num-buffers=200 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! x265enc key-int-max=50 speed-preset=ultrafast option-string=open-gop=0:log-level=none ! "
         "video/x-h265,stream-format=byte-stream ! tee name=t ! queue ! h265parse ! matroskamux ! "
         "filesink location={clip} t. ! queue name=video"),
    Case("vp8enc-rtp", ext="webm", pipeline="videotestsrc num-buffers=300 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! vp8enc keyframe-max-dist=50 deadline=1 cpu-used=8 ! tee name=t ! queue ! webmmux ! "
         "filesink location={clip} t. ! rtpvp8pay ! rtpvp8depay ! queue name=video"),
    Case("h264-rtp-bytestream", pipeline="videotestsrc num-buffers=300 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! x264enc key-int-max=50 tune=zerolatency speed-preset=veryfast ! "
         "video/x-h264,stream-format=byte-stream ! tee name=t ! queue ! h264parse ! matroskamux ! "
         "filesink location={clip} t. ! rtph264pay ! rtph264depay ! "
         "video/x-h264,stream-format=byte-stream,alignment=au ! queue name=video"),
    Case("av1enc", ext="mkv", pipeline="videotestsrc num-buffers=120 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! av1enc keyframe-max-dist=25 cpu-used=8 ! tee name=t ! queue ! av1parse ! matroskamux ! "
         "filesink location={clip} t. ! queue name=video", duration=1),
    Case("jpegenc", ext="mkv", pipeline="videotestsrc num-buffers=100 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! jpegenc ! tee name=t ! queue ! matroskamux ! filesink location={clip} t. ! queue name=video",
         duration=1),
    Case("mpeg4enc", ext="avi", pipeline="videotestsrc num-buffers=200 ! video/x-raw,format=I420,width=320,height=240,"
         "framerate=25/1 ! avenc_mpeg4 gop-size=25 ! tee name=t ! queue ! avimux ! "
         "filesink location={clip} t. ! queue name=video", duration=2),
]


def clips_of(folder):
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.splitext(name)[1].lower() in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpeg", ".mpg",
                                                   ".flv", ".3gp"):
            yield Case("clip-" + name, path=path, duration=2, doubled=99, segments=1)


def gstreamer_version():
    if not shutil.which("gst-launch-1.0"):
        return 1, 20
    found = re.search(r"version (\d+)\.(\d+)", run(["gst-launch-1.0", "--version"]).stdout.decode())
    return int(found.group(1)), int(found.group(2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("names", nargs="*", help="only the cases that start with one of these")
    parser.add_argument("--clips", action="append", default=[], help="a folder of further clips")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--part", metavar="K/N", default="1/1", help="only the Kth of N parts of the cases")
    parser.add_argument("--keep", help="leave the files in this folder")
    parser.add_argument("--early", action="store_true", help="all cases as early-upload does")
    options = parser.parse_args()
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        print("skipped: there is no ffmpeg")
        return 77

    # in builds with sanitizers: encoders leak, and what leaks of ours is the unit tests' to tell
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    cases = CASES + [c for folder in options.clips for c in clips_of(folder)]
    version = gstreamer_version()
    cases = [c for c in cases if c.since <= version]
    if options.names:
        cases = [c for c in cases if any(c.name.startswith(n) for n in options.names)]
    if options.early:
        for case in cases:
            case.early = case.early or 0
    part, parts = map(int, options.part.split("/"))
    cases = cases[part - 1::parts]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        root = options.keep or scratch
        futures = [(c, pool.submit(check, options.tool, c, root)) for c in cases]
        for case, future in futures:
            try:
                r = future.result()
            except (RuntimeError, subprocess.TimeoutExpired, IndexError) as error:
                r = {"frames": 0, "segments": 0, "doubled": 0, "skipped": 0, "early": 0, "file": "-", "problems": [str(error)]}
            print("%-28s %5d frames %3d segments (%d early) %-5s doubled %d skipped %d  %s" % (
                case.name, r["frames"], r["segments"], r["early"], r["file"], r["doubled"], r["skipped"],
                "ok" if not r["problems"] else "FAILED " + "; ".join(r["problems"])), flush=True)
            failed += bool(r["problems"])
    print("%d of %d cases are exact" % (len(cases) - failed, len(cases)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
