export { type AppOptions, buildApp } from './app.js';
export { main } from './main.js';
export * from './store.js';
