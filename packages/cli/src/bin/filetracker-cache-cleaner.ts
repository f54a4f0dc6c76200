#!/usr/bin/env node
import { cacheCleanerCommand } from '../commands/cache-cleaner.js';
import { runProgram } from '../run.js';

await runProgram(process.argv.slice(2), cacheCleanerCommand);
