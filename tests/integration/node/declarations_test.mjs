// The declarations for TypeScript say what the client checks when it runs.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const PACKAGE = fileURLToPath(new URL('../../../client/node/', import.meta.url));

describe('the declarations for TypeScript', () => {
  const ts = require(`${PACKAGE}node_modules/typescript`);
  const { CALLS, typeOf } = require(`${PACKAGE}lib/options.js`);
  const BY_NAME = new Set(['Date', 'Uint8Array', 'AbortSignal', 'Error']);

  const program = ts.createProgram(
    ['index.d.ts', 'q.d.ts', 'socketio.d.ts'].map((name) => PACKAGE + name),
    { strict: true, target: ts.ScriptTarget.ES2022, typeRoots: [`${PACKAGE}node_modules/@types`], types: ['node'] },
  );
  const checker = program.getTypeChecker();

  // The parts of a union, each as lib/options.js writes it.
  function partsOf(type) {
    if (type.isUnion()) {
      const parts = new Set(type.types.flatMap(partsOf));
      if (parts.delete('false') && parts.delete('true')) parts.add('boolean');
      return [...parts].filter((part) => part !== 'undefined').sort();
    }
    const name = type.symbol?.name;
    if (checker.isArrayType(type)) {
      const parts = partsOf(checker.getTypeArguments(type)[0]);
      return [parts.length > 1 ? `(${parts.join(' | ')})[]` : `${parts[0]}[]`];
    }
    if (BY_NAME.has(name)) return [name];
    if (type.getCallSignatures().length > 0) return ['function'];
    if (type.flags & ts.TypeFlags.Any) return ['unknown'];
    const index = type.getStringIndexType();
    if (index) return [`Record<string, ${partsOf(index).join(' | ')}>`];
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return [checker.typeToString(type)];
    const fields = checker.getPropertiesOfType(type).map((property) => {
      const optional = property.flags & ts.SymbolFlags.Optional ? '?' : '';
      return `${property.name}${optional}: ${partsOf(checker.getTypeOfSymbol(property)).join(' | ')}`;
    });
    return [`{${fields.sort().join('; ')}}`];
  }

  function parametersOf(signature) {
    return signature.parameters.map((parameter) => {
      const { dotDotDotToken, questionToken } = parameter.valueDeclaration;
      const parts = partsOf(checker.getTypeOfSymbol(parameter)).join(' | ');
      return `${dotDotDotToken ? '...' : ''}${parameter.name}${questionToken ? '?' : ''}: ${parts}`;
    });
  }

  // {"Client.join": parameters}, of what programs call. Iterators are the language's.
  function declared() {
    const calls = {};
    const addMethods = (prefix, type) => {
      for (const property of checker.getPropertiesOfType(type)) {
        const signatures = checker.getTypeOfSymbol(property).getCallSignatures();
        const own = !property.name.startsWith('__') && !['next', 'return', 'throw', 'prototype'].includes(property.name);
        if (own && signatures.length > 0) calls[`${prefix}.${property.name}`] = signatures.map(parametersOf).join(' & ');
      }
    };
    const addClass = (name, symbol) => {
      const [constructor] = checker.getTypeOfSymbol(symbol).getConstructSignatures();
      calls[`new ${name}`] = `${parametersOf(constructor)}`;
      addMethods(name, checker.getDeclaredTypeOfSymbol(symbol));
      addMethods(name, checker.getTypeOfSymbol(symbol));
    };
    const exportsOf = (file) => {
      const symbol = checker.getSymbolAtLocation(program.getSourceFile(PACKAGE + file));
      return new Map(checker.getExportsOfModule(symbol).map((each) => [each.name, each]));
    };
    const main = exportsOf('index.d.ts');
    addClass('Client', main.get('Client'));
    for (const name of ['Subscription', 'Publisher', 'Registry', 'Admin']) addMethods(name, checker.getDeclaredTypeOfSymbol(main.get(name)));
    calls.connect = `${parametersOf(checker.getTypeOfSymbol(main.get('connect')).getCallSignatures()[0])}`;
    const q = checker.getSymbolAtLocation(program.getSourceFile(`${PACKAGE}q.d.ts`)).exports.get('export=');
    addClass('Q', checker.getAliasedSymbol(q));
    const socketio = exportsOf('socketio.d.ts');
    for (const name of ['Socket', 'Broadcast']) addMethods(name, checker.getDeclaredTypeOfSymbol(socketio.get(name)));
    for (const name of ['io', 'connect']) {
      calls[name === 'io' ? 'io' : 'io.connect'] =
        `${parametersOf(checker.getTypeOfSymbol(socketio.get(name)).getCallSignatures()[0])}`;
    }
    return calls;
  }

  test('say what the table says, and no more', () => {
    const table = Object.fromEntries(
      Object.entries(CALLS).map(([call, parameters]) => [
        call,
        Object.entries(parameters)
          .map(([name, kind]) =>
            kind.rest ? `...${name}: ${typeOf(kind)}[]` : `${name}${kind.required ? '' : '?'}: ${typeOf(kind)}`,
          )
          .join(),
      ]),
    );
    // The same function by two names.
    table['io.connect'] = table.io;
    assert.deepEqual(declared(), table);
  });
});
