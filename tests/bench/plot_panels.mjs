// The panels of plot.mjs: what is drawn of which figures. A panel without figures is left out.

const NAMES = { nmq: 'nmq', redis: 'Redis', nats: 'NATS', socketio: 'Socket.IO' };

// Of a panel, and of the labels left of it.
const WIDTH = 365;
const LABEL_WIDTH = 116;
const LINE_HEIGHT = 210;
// Of one system in a group, and of what is between groups.
const BAR_STEP = 17;
// Titles and axes, for a panel's place.
const FRAME_HEIGHT = 100;
const ERROR_COLOUR = '#333';
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, i) => 10 ** (i - 5));

// The systems of a run, nmq first: [{id, name}].
export function systemsOf(records) {
  const ids = [...new Set(records.map((record) => record.system))];
  const order = Object.keys(NAMES);
  const rank = (id) => (order.includes(id) ? order.indexOf(id) : order.length);
  return ids.sort((a, b) => rank(a) - rank(b)).map((id) => ({ id, name: NAMES[id] ?? id }));
}

const grouped = (number) => Number(number).toLocaleString('en-US');
const plural = (number, thing) => `${grouped(number)} ${thing}${Number(number) === 1 ? '' : 's'}`;

// Expressions that write a number: 1.23M, 35k, 0.8; and in milliseconds 1,800, 0.42.
const thousands = (number) => `replace(format(${number}, '.3~s'), 'G', 'B')`;
const short = (number) => `(${number} >= 1000 ? ${thousands(number)} : format(${number}, '.3~r'))`;
const millis = (number) => `format(${number}, ',.2~r')`;

// Records of the workloads that match, as rows. `labelOf` says from the match what they are of; | ends a line.
function rowsOf({ records, systems }, pattern, figure, labelOf, convert = (value) => value) {
  const nameOf = new Map(systems.map(({ id, name }) => [id, name]));
  return records.flatMap((record) => {
    const match = pattern.exec(record.workload);
    if (!match || record.figure !== figure) return [];
    const ends = [convert(record.min), convert(record.max)];
    const row = {
      system: nameOf.get(record.system),
      nmq: record.system === 'nmq',
      label: labelOf(match),
      value: convert(record.median),
      least: Math.min(...ends),
      most: Math.max(...ends),
    };
    // What is nothing has no place on a logarithmic axis, and its inverse on none.
    return row.least > 0 && Number.isFinite(row.most) ? row : [];
  });
}

// Pairs of two figures of the same system and label.
function pairsOf(nearRows, farRows) {
  return nearRows.flatMap((near) => {
    const far = farRows.find((row) => row.system === near.system && row.label === near.label);
    return far ? { ...near, near: near.value, far: far.value, end: Math.max(near.value, far.value) } : [];
  });
}

function panel(title, subtitle, height, rest) {
  return {
    height: height + FRAME_HEIGHT,
    spec: {
      title: { text: title, subtitle, fontSize: 15, subtitleFontSize: 12, offset: 8, frame: 'bounds' },
      width: WIDTH,
      ...rest,
    },
  };
}

const colourOf = (systems) => ({
  field: 'system',
  type: 'nominal',
  scale: { domain: systems.map(({ name }) => name) },
});

// A line for each system over the number of subscribers, both axes logarithmic.
function linePanel({ systems }, rows, title, subtitle) {
  if (rows.length === 0) return [];
  // nmq's line is drawn last, above the others.
  const values = rows.map((row) => ({ ...row, subscribers: Number(row.label) }));
  values.sort((a, b) => a.nmq - b.nmq || a.subscribers - b.subscribers);
  const counts = [...new Set(values.map((row) => row.subscribers))];
  const x = {
    field: 'subscribers',
    type: 'quantitative',
    scale: { type: 'log', nice: false, padding: 18 },
    axis: { values: counts, format: ',', title: 'subscribers', grid: false, domain: true },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log' },
    axis: { values: POWERS_OF_TEN, labelExpr: short('datum.value'), title: null, minExtent: LABEL_WIDTH },
  };
  const emphasis = (nmq, others) => ({ condition: { test: 'datum.nmq', value: nmq }, value: others });
  return panel(title, subtitle, LINE_HEIGHT, {
    height: LINE_HEIGHT,
    data: { values },
    encoding: { x, color: colourOf(systems) },
    layer: [
      { mark: { type: 'line' }, encoding: { y, strokeWidth: emphasis(4, 2) } },
      { mark: { type: 'rule', strokeWidth: 1.2 }, encoding: { y: { ...y, field: 'least' }, y2: { field: 'most' } } },
      { mark: { type: 'point', filled: true, opacity: 1 }, encoding: { y, size: emphasis(90, 50) } },
    ],
  });
}

// The value beside what it is the value of, nmq's in bold.
function texts(x) {
  const layer = (filter, fontWeight) => ({
    transform: [{ filter }],
    mark: { type: 'text', align: 'left', dx: 8, fontSize: 12, fontWeight },
    encoding: { x, text: { field: 'text' } },
  });
  return [layer('datum.nmq', 'bold'), layer('!datum.nmq', 'normal')];
}

// Groups of rows from top to bottom, one for each label, with a place for each system.
function groupPanel({ systems }, rows, title, subtitle, text, layer) {
  const names = systems.map(({ name }) => name).filter((name) => rows.some((row) => row.system === name));
  const labels = [...new Set(rows.map((row) => row.label))];
  const axis = {
    title: null,
    grid: false,
    labelExpr: "split(datum.label, '|')",
    labelLimit: 0,
    labelBaseline: 'middle',
    minExtent: LABEL_WIDTH,
  };
  return panel(title, subtitle, labels.length * (names.length + 0.6) * BAR_STEP, {
    height: { step: BAR_STEP, for: 'offset' },
    data: { values: rows },
    transform: [{ calculate: text, as: 'text' }],
    encoding: {
      y: { field: 'label', type: 'nominal', sort: labels, axis, scale: { paddingInner: 0.14, paddingOuter: 0.05 } },
      yOffset: { field: 'system', type: 'nominal', sort: names, scale: { paddingInner: 0.15 } },
    },
    layer,
  });
}

// A bar for each system and label.
function barPanel(context, rows, title, subtitle) {
  if (rows.length === 0) return [];
  const most = Math.max(...rows.map((row) => row.most));
  const x = { type: 'quantitative', scale: { domain: [0, most * 1.19], nice: false }, axis: null };
  return groupPanel(context, rows, title, subtitle, short('datum.value'), [
    { mark: { type: 'bar' }, encoding: { x: { ...x, field: 'value' }, color: colourOf(context.systems) } },
    {
      mark: { type: 'rule', color: ERROR_COLOUR, strokeWidth: 1 },
      encoding: { x: { ...x, field: 'least' }, x2: { field: 'most' } },
    },
    ...texts({ ...x, field: 'most' }),
  ]);
}

// Two dots for each system and label, `near` and `far`, on a logarithmic axis of milliseconds.
function rangePanel(context, pairs, title, subtitle) {
  if (pairs.length === 0) return [];
  const numbers = pairs.flatMap(({ near, far }) => [near, far]);
  const [least, most] = [Math.min(...numbers) / 1.2, Math.max(...numbers)];
  const x = {
    type: 'quantitative',
    // With room for the text beside the last dot.
    scale: { type: 'log', nice: false, domain: [least, most * (most / least) ** 0.4] },
    axis: { title: 'milliseconds', values: POWERS_OF_TEN, labelExpr: millis('datum.value') },
  };
  const color = colourOf(context.systems);
  const near = { ...x, field: 'near' };
  const far = { ...x, field: 'far' };
  return groupPanel(context, pairs, title, subtitle, `${millis('datum.near')} + ' – ' + ${millis('datum.far')}`, [
    { mark: { type: 'rule', strokeWidth: 3, opacity: 0.5 }, encoding: { x: near, x2: { field: 'far' }, color } },
    { mark: { type: 'point', filled: true, size: 75, opacity: 1 }, encoding: { x: far, color } },
    {
      mark: { type: 'point', filled: false, fill: 'white', size: 55, strokeWidth: 2, opacity: 1 },
      encoding: { x: near, color },
    },
    ...texts({ ...x, field: 'end' }),
  ]);
}

function fanOutPanel(context, figure, title, subtitle) {
  const rows = rowsOf(context, /^W1\/(\d+)\/128$/, figure, ([, subscribers]) => subscribers);
  return linePanel(context, rows, title, subtitle);
}

function latencyPanel(context) {
  const label = ([, rate, subscribers]) => `${grouped(rate)}/s to|${plural(subscribers, 'subscriber')}`;
  const rows = (figure) => rowsOf(context, /^W2\/(\d+)x(\d+)$/, figure, label);
  const subtitle = '○ median, ● 99th percentile, from publishing to hearing · left is better';
  return rangePanel(context, pairsOf(rows('latency p50'), rows('latency p99')), 'Latency at a fixed rate', subtitle);
}

function stalledPanel(context) {
  const rows = (workload) => rowsOf(context, workload, 'latency p99', () => 'the others’|99th percentile');
  return rangePanel(
    context,
    pairsOf(rows(/^W7\/without$/), rows(/^W7\/stalled$/)),
    'Latency when one subscriber stops reading',
    '○ without it, ● with it beside 20 others · left is better',
  );
}

function selectivePanel(context) {
  const perSecond = (microseconds) => 1e6 / microseconds;
  const rows = (pattern, figure, label) => rowsOf(context, pattern, `server CPU per ${figure}`, label, perSecond);
  return barPanel(
    context,
    [
      ...rows(/^W3\/(\d+)$/, 'delivery', ([, rooms]) => `${grouped(rooms)} chat rooms|of 10 members`),
      ...rows(/^W3\/(\d+)\/own$/, 'delivery', () => 'the same, each on|its own connection'),
      ...rows(/^W3\/paced$/, 'delivery', () => 'the same rooms,|2,000 messages/s'),
      ...rows(/^W4\/events$/, 'message', () => 'one of many|events each'),
      ...rows(/^W4\/events\/own$/, 'message', () => 'the same, each on a|connection of its own'),
      ...rows(/^W4\/patterns$/, 'message', () => 'one of many|patterns each'),
    ],
    'Deliveries per second of server CPU',
    'To those who want it: rooms, events, patterns · longer is better',
  );
}

function publishingPanel(context, kind, label, title, subtitle) {
  return barPanel(context, rowsOf(context, new RegExp(`^W5/${kind}/(\\d+)$`), 'published', label), title, subtitle);
}

function storingPanel(context) {
  const rows = (workload, label) => rowsOf(context, workload, 'stored', label);
  return barPanel(
    context,
    [
      ...rows(/^D1\/one$/, () => 'one by one'),
      ...rows(/^D1\/(\d+)$/, ([, window]) => `${window} on|their way`),
      ...rows(/^D1\/(\d+)\/stream$/, ([, window]) => `${window} in|a stream`),
      ...rows(/^D1\/stream$/, () => 'as a stream'),
    ],
    'Storing: messages per second',
    'Synced before the answer; NATS does not sync · longer is better',
  );
}

function storedPanel(context) {
  return barPanel(
    context,
    [
      ...rowsOf(context, /^D2\/(\d+)$/, 'acknowledged', ([, consumers]) => `acknowledged by|${plural(consumers, 'consumer')}`),
      ...rowsOf(context, /^D3\/earliest$/, 'read', () => 'read by one,|from the begin'),
    ],
    'Stored messages: heard per second',
    'Each acknowledged, or only read · longer is better',
  );
}

function idlePanel(context) {
  const label = ([, connections]) => `on ${grouped(connections)}|connections`;
  const kibibytes = (bytes) => bytes / 1024;
  return barPanel(
    context,
    rowsOf(context, /^W6\/(\d+)$/, 'memory per idle subscription', label, kibibytes),
    'Server memory per idle subscription',
    'KiB, of 10,000 that hear nothing · shorter is better',
  );
}

// The panels: [{height, spec}], where the height is about what it needs.
export function panelsOf(records, systems) {
  const context = { records, systems };
  return [
    fanOutPanel(context, 'deliveries', 'Deliveries per second', 'One publisher to all, 128 bytes · higher is better'),
    fanOutPanel(
      context,
      'server CPU per delivery',
      'Server CPU per delivery',
      'Microseconds, in the same runs · lower is better',
    ),
    latencyPanel(context),
    selectivePanel(context),
    stalledPanel(context),
    idlePanel(context),
    publishingPanel(
      context,
      'unary',
      ([, callers]) => plural(callers, 'caller'),
      'Publishing one by one: messages per second',
      'Each caller waits for its answer; nobody listens · longer is better',
    ),
    publishingPanel(
      context,
      'stream',
      ([, batch]) => (batch === '1' ? 'no batches' : `batches of ${batch}`),
      'Publishing as a stream: messages per second',
      'Up to 16 batches without an answer; nobody listens · longer is better',
    ),
    storingPanel(context),
    storedPanel(context),
  ].flat();
}
