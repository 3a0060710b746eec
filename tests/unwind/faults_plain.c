/* For faults_test.c: nothing has to be made so. */
void faults_prepare(void);

void faults_prepare(void)
{
}
