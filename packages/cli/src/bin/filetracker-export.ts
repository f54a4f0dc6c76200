#!/usr/bin/env node
import { exportCommand } from '../commands/export.js';
import { runProgram } from '../run.js';

await runProgram(process.argv.slice(2), exportCommand);
