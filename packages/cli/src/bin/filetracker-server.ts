#!/usr/bin/env node
import { main } from '@filetracker/server';

await main(process.argv.slice(2));
