#!/usr/bin/env node
import { buildProgram } from '../program.js';
import { runProgram } from '../run.js';

await runProgram(process.argv.slice(2), buildProgram);
