// Who may import whom. Itself always; everything else is an error. docs/architecture.md shows the same table.
const MAY = {
  'src/base': [],
  'src/records': ['src/base', 'src/config'],
  'src/config': ['src/base'],
  'src/protocol': ['src/base', 'src/records', 'src/config'],
  'src/client': ['src/base', 'src/records', 'src/config', 'src/protocol', 'src/worker/entry'],
  // It opens the WASM heap with its threads, puts the kernels' command stream under tfjs' backend and tells kernels what the device is; kernels know no device.
  'src/device': ['src/base', 'src/protocol', 'src/kernels/(webgpu|deviceTraits|simd|wasmHost)'],
  'src/kernels': ['src/base'],
  'src/tokenizer': ['src/base'],
  'src/loader': ['src/base', 'src/config'],
  'src/data': ['src/base', 'src/config', 'src/records', 'src/tokenizer'],
  'src/lm': ['src/base', 'src/config', 'src/kernels'],
  'src/loss': ['src/base', 'src/config', 'src/kernels'],
  'src/optim': ['src/base', 'src/config', 'src/kernels'],
  'src/train': ['src/base', 'src/config', 'src/records', 'src/data', 'src/lm', 'src/loss', 'src/optim', 'src/kernels'],
  'src/generate': ['src/base', 'src/config', 'src/kernels', 'src/lm', 'src/tokenizer'],
  'src/judge': ['src/base', 'src/config', 'src/records'],
  'src/evaluate': ['src/base', 'src/config', 'src/records', 'src/generate', 'src/judge', 'src/lm', 'src/loss', 'src/tokenizer'],
  'src/export': ['src/base', 'src/config', 'src/records', 'src/loader'],
  'src/worker': ['src/(?!client)[^/]+'],
  cli: ['src/(?!client)[^/]+'],
  'app/components': [],
  'app/charts': [],
  'app/store': ['src/base', 'src/records', 'src/config', 'src/protocol'],
  // The pure statistics of evaluate/ too: rates are counted again when a person overrules a judge.
  'app/actions': ['app/store', 'src/base', 'src/records', 'src/config', 'src/protocol', 'src/client', 'src/export', 'src/evaluate/(intervals|metrics|mcnemar)'],
  'app/pages': ['app/actions', 'app/charts', 'app/components', 'app/store', 'src/base', 'src/records', 'src/config', 'src/protocol', 'src/evaluate/(intervals|metrics|mcnemar)'],
};
const TEST = '\\.test\\.tsx?$';
const pkg = (names) => '(^|/)node_modules/(' + names.join('|') + ')(/|$)';

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'pages-are-islands', severity: 'error', from: { path: '^app/pages/([^/]+)/' }, to: { path: '^app/pages/([^/]+)/', pathNot: '^app/pages/$1/' } },
    { name: 'engine-has-no-ui', severity: 'error', from: { path: '^src/' }, to: { path: pkg(['react', 'react-dom', 'zustand', 'uplot', 'dexie']) } },
    { name: 'ui-has-no-tensors', severity: 'error', from: { path: '^(app|src/(base|config|records|protocol|client))/' , pathNot: TEST }, to: { path: pkg(['@tensorflow']) } },
    {
      name: 'tensors-only-in-the-engine-core',
      severity: 'error',
      from: { path: '^(src|app|cli)/', pathNot: '^src/(device|kernels|lm|loss|optim|train|generate|testing)/|' + TEST },
      to: { path: pkg(['@tensorflow']) },
    },
    { name: 'src-never-imports-app', severity: 'error', from: { path: '^src/' }, to: { path: '^(app|cli)/' } },
    { name: 'root-is-composition-only', severity: 'error', from: { path: '^app/[^/]+\\.tsx?$' }, to: { path: '^src/', pathNot: '^src/(base|client|config|protocol|records)/' } },
    { name: 'tests-only-in-tests', severity: 'error', from: { path: '^(src|app|cli)/', pathNot: TEST + '|/testing/' }, to: { path: '(/testing/|' + TEST + ')', pathNot: '^src/testing/nodeGpu\\.ts$' } },
    // The helper thread's file is named by address, not imported.
    { name: 'no-orphan', severity: 'error', from: { orphan: true, path: '^(src|app|cli)/', pathNot: '(\\.test\\.tsx?|\\.d\\.ts|tsconfig\\.json|\\.css|simd/poolWorker\\.js)$' }, to: {} },
    ...Object.entries(MAY).map(([from, to]) => ({
      name: 'layer:' + from,
      severity: 'error',
      from: { path: '^' + from + '/', pathNot: TEST + '|/testing/' },
      to: { path: '^(src|app|cli)/', pathNot: '^(' + [from, ...to].join('|') + ')(/|\\.ts$)' },
    })),
    { name: 'unlisted-folder', severity: 'error', from: { path: '^(src|app)/[^/]+/', pathNot: '^(' + Object.keys(MAY).join('|') + '|src/testing|app/testing)/' }, to: {} },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'dist/|/assembly/' },
  },
};
