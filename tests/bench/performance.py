#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""All that docs/performance.md tells, in one command: runs the benchmarks, prints their
tables, and draws a plot for each. Takes some forty minutes. --only runs some of them;
--without-root leaves out early-upload, which makes a network of its own.

    meson devenv -C BUILD ../tests/bench/performance.py [--runs 7] [--plots FOLDER]
"""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import recording
import streams

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, BAR, GAP, LEFT = 720, 22, 10, 300
CHAIN = re.compile(r'(\S+)\s+(\S+)\s+(\d+) frames:\s+([\d.]+) us a call,\s+([\d.]+) us the longest')
POLLS = re.compile(r'(\S+): ([\d.-]+) s late .*?, ([\d.]+) looks')
EARLY = re.compile(r'early-upload=(\S+).*?median ([\d.]+) s')
CAMERAS = re.compile(r'\| ([^|]+) \| ([\d.]+) \| (\d+) \|')
JUDGING = ((3, 0), (2, 4), (20, 40))  # s, and s more at random


def draw(folder, name, title, unit, bars):
    """bars: [(name, value)], from 0 on."""
    most = max(value for _, value in bars) or 1
    height = 40 + len(bars) * (BAR + GAP)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">'
             % (WIDTH, height), '<text x="8" y="20" font-weight="bold">%s</text>' % title]
    for i, (label, value) in enumerate(bars):
        top = 34 + i * (BAR + GAP)
        length = max(1, value / most * (WIDTH - LEFT - 90))
        color = '#2b6cb0' if label.startswith('identifai') else '#a0aec0'
        lines += ['<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, top + 16, label),
                  '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (LEFT, top, length, BAR, color),
                  '<text x="%.1f" y="%d">%.3g %s</text>' % (LEFT + length + 6, top + 16, value, unit)]
    with open(os.path.join(folder, 'performance-%s.svg' % name), 'w', encoding='utf-8') as svg:
        svg.write('\n'.join(lines) + '\n</svg>\n')


def say(command):
    """Runs one of the other benchmarks, prints what it says, and returns that."""
    text = subprocess.run([sys.executable, os.path.join(HERE, command[0])] + command[1:], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    print(text, flush=True)
    return text


def first_line(command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]


def print_machine(args):
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
        model = next(line.split(':')[1].strip() for line in lines if line.startswith('model name'))
    print('%d cores of %s, Linux %s, load %.1f; Python %s' % (
        os.cpu_count(), model, platform.release(), os.getloadavg()[0], platform.python_version()))
    print(first_line(['gst-launch-1.0', '--version']), first_line(['ffmpeg', '-version']), sep=', ', flush=True)


def print_recording(results):
    print('| | CPU, s | identifaisink to it | looks | on disk, MB |\n| --- | --- | --- | --- | --- |')
    for name, result in results.items():
        ratio = '%.2f (%.2f to %.2f)' % (result['ratio'], result['least'], result['most']) if 'ratio' in result else ''
        print('| %s | %.2f | %s | %d | %.0f |' % (name, result['cpu'], ratio, result['looks'], result['disk']))


def run_recording(args):
    bars = []
    for title, (results, _) in zip(('with SHA-256', 'without'), recording.run(clip=args.clip, runs=args.runs)):
        print(title)
        print_recording(results)
        bars += [('%s, %s' % (name, title), result['cpu']) for name, result in results.items()]
    draw(args.plots, 'recording', 'CPU of three minutes of 720p, in segments of 10 s', 's', bars)


def run_instructions(args):
    """Of half a minute, as it takes long."""
    bars = []
    for title, (_, counts) in zip(('with SHA-256', 'without'), recording.run(seconds=30, runs=0, instructions=True)):
        for name, count in counts.items():
            print('%s, %s: %.0f million instructions, identifaisink has %.2f of them' % (
                name, title, count, counts['identifaisink'] / count), flush=True)
            bars.append(('%s, %s' % (name, title), count))
    draw(args.plots, 'instructions', 'Instructions of half a minute of 720p', 'million', bars)


def bench_chain():
    return os.environ.get('BENCH_CHAIN', os.path.join('tests', 'bench', 'bench-chain'))


def count_calls(element, frames=5000):
    """Instructions of a call that pushes a frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + '/callgrind'
        subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=' + path, '--toggle-collect=push_frame',
                        bench_chain(), element, str(frames)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return recording.count_instructions(folder) * 1e6 / (frames + 1)


def run_chain(args):
    text = subprocess.run([bench_chain()], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = CHAIN.findall(text)
    print('| | frames in the segment | a call, us | the longest, us |\n| --- | --- | --- | --- |')
    for name, way, frames, mean, longest in rows:
        print('| %s, %s | %s | %s | %s |' % (name, way, frames, mean, longest))
    if shutil.which('valgrind'):
        print('instructions of a call: fakesink %.0f, identifaisink %.0f' % (
            count_calls('fakesink'), count_calls('identifaisink')), flush=True)
    draw(args.plots, 'chain', 'Longest stay of the streaming thread', 'us',
         [('%s, %s, %s frames' % row[:3], float(row[4])) for row in rows if row[2] != '2500'])


def run_streams(args):
    used = streams.compare(args.elements, args.seconds)
    print('%d live streams in a process, each: %s' % (args.elements, used), flush=True)
    draw(args.plots, 'streams', '%d live streams, each' % args.elements, '',
         [('identifaisink, %s' % what, used[key]) for what, key in
          (('% of a core', 'cpu'), ('kB', 'memory'), ('descriptors', 'descriptors'))])


def run_polls(args):
    bars = []
    for delay, spread in JUDGING:
        print('judged in %d s and up to %d s more' % (delay, spread))
        text = say(['polls.py', args.build, '--delay', str(delay), '--spread', str(spread)])
        bars += [('%s, %d to %d s' % (name, delay, delay + spread), float(late)) for name, late, _ in POLLS.findall(text)]
    draw(args.plots, 'polls', 'From a final result to its message', 's', bars)


def run_early(args):
    if args.without_root:
        return
    text = say(['earlyupload.py'])
    draw(args.plots, 'early', 'From the last buffer to the last byte', 's',
         [('identifaisink, early-upload' if early == 'true' else 'identifaisink, whole files', float(median))
          for early, median in EARLY.findall(text)])


def run_cameras(args):
    rows = CAMERAS.findall(say(['cameras.py', '--seconds', str(args.seconds)]))
    draw(args.plots, 'cameras', 'CPU of 50 RTSP cameras', '% of a core', [(name, float(cpu)) for name, cpu, _ in rows])


PARTS = {'recording': run_recording, 'instructions': run_instructions, 'chain': run_chain, 'early': run_early,
         'streams': run_streams, 'polls': run_polls, 'cameras': run_cameras}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', nargs='?')
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--elements', type=int, default=200)
    parser.add_argument('--seconds', type=float, default=40, help='of live streams and cameras')
    parser.add_argument('--build', default='.', help='folder of the build, for polls.py')
    parser.add_argument('--plots', default='.', help='folder for the SVG files')
    parser.add_argument('--only', nargs='+', choices=PARTS, default=PARTS)
    parser.add_argument('--without-root', action='store_true')
    args = parser.parse_args()
    print_machine(args)
    for name in args.only:
        print('\n## %s\n' % name, flush=True)
        PARTS[name](args)


if __name__ == '__main__':
    main()
