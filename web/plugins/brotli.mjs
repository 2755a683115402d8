// Writes a .br beside every file that is named: smaller than .gz, and Python cannot make it.
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

for (const path of process.argv.slice(2)) {
  writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path)));
}
