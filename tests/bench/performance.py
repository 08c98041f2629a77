#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""All that docs/performance.md tells, in one command: runs the benchmarks, prints the
tables, and draws the plots. Takes some minutes, on a machine that does nothing else.

    meson devenv -C BUILD ../tests/bench/performance.py [--runs 7] [--plots FOLDER]
"""

import argparse
import os
import re
import subprocess

import recording
import streams

WIDTH, BAR, GAP, LEFT = 640, 22, 10, 190
CHAIN = re.compile(r'(\S+)\s+(\d+) frames:\s+([\d.]+) us a call,\s+([\d.]+) us the longest')


def draw(path, title, unit, bars):
    """bars: [(name, value)], from 0 on."""
    most = max(value for _, value in bars)
    height = 40 + len(bars) * (BAR + GAP)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">'
             % (WIDTH, height), '<text x="8" y="20" font-weight="bold">%s</text>' % title]
    for i, (name, value) in enumerate(bars):
        top = 34 + i * (BAR + GAP)
        length = max(1, value / most * (WIDTH - LEFT - 90))
        color = '#2b6cb0' if name.startswith('identifaisink') else '#a0aec0'
        lines += ['<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, top + 16, name),
                  '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (LEFT, top, length, BAR, color),
                  '<text x="%.1f" y="%d">%.3g %s</text>' % (LEFT + length + 6, top + 16, value, unit)]
    with open(path, 'w', encoding='utf-8') as svg:
        svg.write('\n'.join(lines) + '\n</svg>\n')


def measure_chain():
    text = subprocess.run([os.path.join('tests', 'bench', 'bench-chain')], check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    return [(name, int(frames), float(mean), float(longest)) for name, frames, mean, longest in CHAIN.findall(text)]


def print_recording(results):
    print('| | CPU, s | ours to it | looks | on disk, MB |\n| --- | --- | --- | --- | --- |')
    for name, result in results.items():
        ratio = '%.2f (%.2f to %.2f)' % (result['ratio'], result['least'], result['most']) if 'ratio' in result else ''
        print('| %s | %.2f | %s | %d | %.0f |' % (name, result['cpu'], ratio, result['looks'], result['disk']))


def print_chain(rows):
    print('\n| | frames in the segment | a call, us | the longest, us |\n| --- | --- | --- | --- |')
    for row in rows:
        print('| %s | %d | %.2f | %.0f |' % row)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', nargs='?')
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--elements', type=int, default=200)
    parser.add_argument('--seconds', type=float, default=30, help='of the live streams')
    parser.add_argument('--plots', default='.', help='folder for the SVG files')
    args = parser.parse_args()

    results, _ = recording.run(clip=args.clip, runs=args.runs)
    print_recording(results)
    rows = measure_chain()
    print_chain(rows)
    print('\n%d live streams in a process, each: %s' % (args.elements, streams.compare(args.elements, args.seconds)))
    draw(os.path.join(args.plots, 'performance-recording.svg'), 'CPU of three minutes of 720p, in segments of 10 s',
         's', [(name, result['cpu']) for name, result in results.items()])
    draw(os.path.join(args.plots, 'performance-chain.svg'), 'Longest stay of the streaming thread', 'us',
         [('%s, %d frames' % (name, frames), longest) for name, frames, _, longest in rows])


if __name__ == '__main__':
    main()
