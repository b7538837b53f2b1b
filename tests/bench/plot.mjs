// Draws the figures of a run as small multiples, one SVG:
//
//   node plot.mjs FIGURES.json CHART.svg
import { readFileSync, writeFileSync } from 'node:fs';
import * as vegaLite from 'vega-lite';
import * as vega from 'vega';
import { panelsOf, systemsOf } from './plot_panels.mjs';

// Colours of Okabe and Ito, which colour-blind people tell apart; the strongest is nmq's.
const COLOURS = { nmq: '#D55E00', redis: '#56B4E9', nats: '#009E73', socketio: '#999999' };
const OTHER_COLOURS = ['#CC79A7', '#0072B2', '#E69F00', '#000000', '#F0E442'];
const FONT = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif';

// The layout needs the width of texts, and there is no font to ask: a letter is about so much of the font's size.
const LETTER = 0.54;
vega.textMetrics.width = (item, text) => LETTER * item.fontSize * String(text ?? '').length;

function coloursOf(systems) {
  const free = [...OTHER_COLOURS];
  return systems.map(({ id }) => COLOURS[id] ?? free.shift() ?? '#cccccc');
}

function titleOf(run, systems) {
  const names = systems.map(({ name }) => name);
  const rounds = Math.max(...run.records.map((record) => record.rounds ?? 1));
  const how = rounds > 1 ? `Medians of ${rounds} rounds; thin lines reach from the least to the most.` : 'One round.';
  return {
    text: names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)} on one machine` : names[0],
    subtitle: [
      [run.machine, run.date, run.commit && `nmq ${run.commit}`].filter(Boolean).join(' · '),
      `Server and clients share the machine. ${how}`,
    ],
  };
}

// Each panel goes to the shorter of two columns.
function columnsOf(panels) {
  const columns = [0, 1].map(() => ({ height: 0, vconcat: [] }));
  for (const { height, spec } of panels) {
    const column = columns[columns[1].height < columns[0].height ? 1 : 0];
    column.vconcat.push(spec);
    column.height += height;
  }
  return columns.filter(({ vconcat }) => vconcat.length > 0).map(({ vconcat }) => ({ vconcat, spacing: 30 }));
}

function chartOf(run) {
  const systems = systemsOf(run.records);
  const panels = panelsOf(run.records, systems);
  if (panels.length === 0) throw new Error('no figures to draw');
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    background: 'white',
    padding: 16,
    title: titleOf(run, systems),
    spacing: 40,
    hconcat: columnsOf(panels),
    config: {
      font: FONT,
      title: {
        anchor: 'start',
        fontSize: 21,
        subtitleFontSize: 12.5,
        subtitleColor: '#555',
        subtitlePadding: 5,
        offset: 16,
      },
      axis: { labelFontSize: 12, titleFontSize: 12, labelColor: '#333', titleColor: '#555', titleFontWeight: 'normal' },
      axisX: { gridColor: '#e6e6e6', domainColor: '#ccc', domain: false, tickColor: '#ccc' },
      axisY: { gridColor: '#e6e6e6', domain: false, ticks: false, labelPadding: 8 },
      legend: { orient: 'top', title: null, labelFontSize: 15, symbolSize: 180, symbolType: 'square' },
      range: { category: coloursOf(systems) },
      view: { stroke: null },
    },
  };
}

async function main([input, output]) {
  if (!output) throw new Error('usage: node plot.mjs FIGURES.json CHART.svg');
  const run = JSON.parse(readFileSync(input, 'utf8'));
  const { spec } = vegaLite.compile(chartOf(run));
  const svg = await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG();
  writeFileSync(output, `${svg}\n`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
