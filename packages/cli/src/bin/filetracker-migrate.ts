#!/usr/bin/env node
import { migrateCommand } from '../commands/migrate.js';
import { runProgram } from '../run.js';

await runProgram(process.argv.slice(2), migrateCommand);
