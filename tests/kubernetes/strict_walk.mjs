// What of a manifest the API server would not know: unknown fields, wrong types, API versions that are gone. From the types of
// Kubernetes' own client; it does not know which fields are required (see models.mjs).
import * as models from '@kubernetes/client-node/dist/gen/models/all.js';

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const primitives = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  Date: (value) => typeof value === 'string',
  IntOrString: (value) => typeof value === 'string' || Number.isInteger(value),
  any: () => true,
};

function walk(value, type, format, path, problems) {
  const list = /^Array<(.+)>$/.exec(type);
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  const wrong = (expected) => problems.push(`${path}: ${JSON.stringify(value)} is not ${expected}`);
  if (list) {
    if (!Array.isArray(value)) return wrong('a list');
    value.forEach((item, i) => walk(item, list[1], format, `${path}[${i}]`, problems));
  } else if (map) {
    if (!isObject(value)) return wrong('a map');
    for (const [key, item] of Object.entries(value)) walk(item, map[1], format, `${path}.${key}`, problems);
  } else if (type in primitives) {
    if (!primitives[type](value)) return wrong(`a ${type}`);
    if (/^int(32|64)$/.test(format) && !Number.isInteger(value)) wrong('a whole number');
  } else {
    walkObject(value, models[type], type, path, problems);
  }
}

function walkObject(value, model, type, path, problems) {
  if (!model) return problems.push(`${path}: no type ${type}`);
  if (!isObject(value)) return problems.push(`${path}: ${JSON.stringify(value)} is not a ${type}`);
  const fields = new Map(model.getAttributeTypeMap().map((field) => [field.baseName, field]));
  for (const [name, item] of Object.entries(value)) {
    const field = fields.get(name);
    const at = path ? `${path}.${name}` : name;
    if (field) walk(item, field.type, field.format, at, problems);
    else problems.push(`${at}: ${type} has no such field`);
  }
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function strictProblems(manifest) {
  const problems = [];
  const version = String(manifest.apiVersion).split('/').pop();
  const model = models[capital(version) + manifest.kind];
  if (!model) return [`there is no ${manifest.apiVersion} ${manifest.kind}`];
  walkObject(manifest, model, manifest.kind, '', problems);
  return problems;
}
