// As long as the tests of the repository itself may take: how fast the machine is proves nothing.
test('the developer tools see the same in a test runner', () => import('./insights.js'), 60_000);
