#!/usr/bin/env node
import { COULD_NOT_RUN, recoverCommand } from '../commands/recover.js';
import { runProgram } from '../run.js';

await runProgram(process.argv.slice(2), recoverCommand, COULD_NOT_RUN);
